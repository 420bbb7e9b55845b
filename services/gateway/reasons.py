"""Every reason that a problem may give, in words: its title, and what to do about it. Served under `/problems/`."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Reason:
    """One kind of problem (RFC 9457 3.1.1)."""

    title: str
    help: str


_SIGN_IN = "Obtain a new access token, by the refresh token or by signing in, and repeat the request."
_WAIT = "Wait as long as Retry-After says, then repeat the request."
_STATE = "Read the resource to see what state it is in; the detail says what the operation asks for."

_IMAGE = "Save the picture again, as plain PNG or JPEG, and import that."

REASONS: dict[str, Reason] = {
    # What the request says.
    "INVALID": Reason(
        "The request breaks rules", "Correct the fields that `violations` names, each with its rule."
    ),
    "MALFORMED_JSON": Reason(
        "The body is not JSON", "Correct the body at the position that the detail gives."
    ),
    "MALFORMED_MESSAGE": Reason("The request cannot be read", "Send a message of the method that is called."),
    "MALFORMED_REQUEST": Reason("The request cannot be read", "Send well-formed HTTP."),
    "ROUTE_NOT_FOUND": Reason("There is nothing at this address", "Look the address up in the reference."),
    "METHOD_NOT_ALLOWED": Reason("Not with this method", "Use one of the methods that `Allow` lists."),
    "NOT_ACCEPTABLE": Reason("No acceptable form", "Accept `application/json`."),
    "UNSUPPORTED_MEDIA_TYPE": Reason(
        "The body is of the wrong type", "Send JSON as `application/json`, in UTF-8 and uncompressed."
    ),
    "BODY_TOO_LARGE": Reason(
        "The body is too large", "Send less: 2 MiB is the most that any request may hold."
    ),
    "BODY_TOO_SLOW": Reason("The body came too slowly", "Send the whole body at once, within 30 seconds."),
    # Who sends it.
    "UNAUTHENTICATED": Reason("Nobody is signed in", _SIGN_IN),
    "TOKEN_MISSING": Reason(
        "An access token is missing", "Send `Authorization: Bearer` with an access token."
    ),
    "TOKEN_INVALID": Reason("The access token is not valid", _SIGN_IN),
    "TOKEN_EXPIRED": Reason("The access token has expired", _SIGN_IN),
    "TOKEN_BOUND": Reason(
        "The access token is bound to a key",
        "Send `Authorization: DPoP` with the token, and a proof of the key in the header `DPoP` (RFC 9449).",
    ),
    "INVALID_DPOP_PROOF": Reason(
        "The proof of the key is not valid",
        "Sign a new proof for each request: its method and address, the time now, a `jti` of its own, and `ath` of"
        " the token, with the key that the token is bound to.",
    ),
    "SESSION_ENDED": Reason("The session has ended", "Sign in again."),
    "INSUFFICIENT_USER_AUTHENTICATION": Reason(
        "A fresh proof is needed",
        "Send the person through sign-in again, with the `max_age` that the answer gives (RFC 9470).",
    ),
    "PERMISSION_DENIED": Reason(
        "A right is missing", "Ask an administrator of the company for the right that `permission` names."
    ),
    "INSUFFICIENT_SCOPE": Reason(
        "The application lacks a scope",
        "Ask the person to grant the application the scope that `scope` names.",
    ),
    "PERSON_NEEDED": Reason(
        "Not for an application by itself", "Do it in the name of a person who has signed in."
    ),
    "APPLICATION_ENDED": Reason(
        "The application may not act any more",
        "It was suspended or removed: ask whoever manages the applications of the company. One registered a second"
        " ago is known everywhere within the next: repeat the request then.",
    ),
    "NO_CLIENT_SECRET": Reason(
        "The application has no secret", "It signs with its own key, or it is public: neither takes a secret."
    ),
    "CALLER_NOT_ALLOWED": Reason(
        "Not for this caller", "The operation is meant for others; no right opens it."
    ),
    # What it is about.
    "NOT_FOUND": Reason(
        "There is no such resource",
        "Check the name. What belongs to another company is answered the same way.",
    ),
    "NOT_CREATED_YET": Reason(
        "It did not exist at that time",
        "Ask for a later time: the creation is the oldest change of its history.",
    ),
    "UNIMPLEMENTED": Reason("There is no such operation", "Look the operation up in the reference."),
    "ALREADY_EXISTS": Reason("It exists already", "Read the one that exists, or choose another name."),
    "SHOP_ID_TAKEN": Reason("The public id is taken", "Leave the id out, and one is chosen."),
    "LOGIN_TAKEN": Reason("The login is taken", "Choose another login."),
    "PASSWORD_CHANGED_MEANWHILE": Reason(
        "The password has just been changed", "Sign in with the new password, or have it reset by mail."
    ),
    "TOO_MANY_ATTEMPTS": Reason("Too many failed tries", _WAIT),
    "EMAIL_NOT_PENDING": Reason("No address waits to be confirmed", "Ask for the new address first."),
    "LINK_NOT_VALID": Reason(
        "The link opens nothing any more", "Ask for another: each is used once, and not for long."
    ),
    "STALE_ETAG": Reason(
        "It has changed since it was read",
        "Read it again, repeat the change on what was read, send its new etag.",
    ),
    "IDEMPOTENCY_KEY_IN_USE": Reason("The same request is still under way", _WAIT),
    "IDEMPOTENCY_KEY_REUSED": Reason(
        "The key was used for another request",
        "Send every request that is not a repetition under a key of its own.",
    ),
    "IDEMPOTENCY_REPLY_NOT_KEPT": Reason(
        "What it showed is not kept",
        "It was done, and recorded. To see the secret, ask again under a key of its own.",
    ),
    "FAILED_PRECONDITION": Reason("Not in its present state", _STATE),
    "CHANGED_SINCE": Reason(
        "It has changed since",
        "Undo the later changes first, or update the fields that `fields` names yourself.",
    ),
    "NOT_REVERTIBLE": Reason(
        "This change cannot be reverted", "Only updates of fields that can still be changed are reverted."
    ),
    "VALUES_ERASED": Reason(
        "The values were erased", "That there was a change is kept; from what to what is known no more."
    ),
    "VALUES_DOUBTFUL": Reason(
        "The values were tampered with",
        "What is kept of the change is missing or does not fit it. Tell the platform's support: it is an incident.",
    ),
    "KEY_NOT_GENERATED": Reason("The key is still to be generated", _STATE),
    "KEY_EXPIRED": Reason("The key has expired", "Generate a new one."),
    "NOT_A_PRODUCTION_KEY": Reason(
        "Not a production key", "Only production keys are generated by this operation."
    ),
    "NOT_REVEALABLE": Reason(
        "The key is not revealed",
        "If its value is lost, generate a new one; public keys are shown as they are.",
    ),
    "OVERLAP_RUNNING": Reason(
        "The value before is still valid",
        "Wait for the end of the overlap, finish it, or send `force` to let that value die at once.",
    ),
    "NO_OVERLAP": Reason("No former value is valid", "There is nothing to extend, finish or undo."),
    "GO_LIVE_INCOMPLETE": Reason(
        "The shop is not ready for production", "Make the test payments that `goLive` lists as missing."
    ),
    "SHOP_CLOSED": Reason("The shop is closed", "Ask customer service, who can open it again."),
    "NOT_A_TEST_KEY": Reason("Not a test key", "Only test keys are regenerated by this operation."),
    "NOT_A_MEMBER": Reason("Not a member of the company", "Choose a company that the person belongs to."),
    "INVITATION_OVER": Reason("The invitation is over", "Make a new one."),
    "ADMISSION_EXISTS": Reason("The person has asked already", "Wait until an operator has decided."),
    "TOO_MANY_INVITATIONS": Reason("Too many invitations", _WAIT),
    "LAST_OWNER": Reason("The last owner stays", "Make somebody else an owner of the company first."),
    "OWN_MEMBERSHIP": Reason(
        "Nobody changes their own place", "Ask another owner or administrator of the company."
    ),
    "OWNERS_ONLY": Reason("Only owners manage owners", "Ask an owner of the company."),
    "SHOPS_NOT_REACHED": Reason(
        "Beyond your own shops", "Give and manage only places whose shops you reach yourself."
    ),
    "TOTP_EXISTS": Reason("There is an authenticator application already", "Take it away first."),
    "TOTP_NOT_BEGUN": Reason(
        "There is no new secret to confirm", "Ask for one, and confirm it within a quarter of an hour."
    ),
    "PASSKEY_EXISTS": Reason("The passkey is there already", "Use it, or make one on another device."),
    "TOO_MANY_APPLICATIONS": Reason(
        "There are too many applications", "Remove one that is not used any more."
    ),
    "TOO_MANY_PASSKEYS": Reason("There are too many passkeys", "Take one away that is not used any more."),
    "PASSWORD_TOO_SHORT": Reason(
        "The password is too short to stand alone", "Choose a longer password, then take the factor away."
    ),
    "SECOND_FACTOR_REQUIRED": Reason(
        "A company requires a second factor", "Add another factor before this one is taken away."
    ),
    "MEMBERSHIP_EXISTS": Reason("Already a member", "Change the membership that exists."),
    # What a file is.
    "IMAGE_EMPTY": Reason("The file is empty", _IMAGE),
    "IMAGE_TOO_LARGE": Reason("The file is too large", "Send at most `limit` bytes."),
    "IMAGE_UNKNOWN_FORMAT": Reason("Not an image of an accepted format", _IMAGE),
    "IMAGE_UNSUPPORTED_KIND": Reason("A rare variant of the format", _IMAGE),
    "IMAGE_TOO_MANY_PIXELS": Reason(
        "The image has too many pixels", "Make it smaller: `limit` pixels at most."
    ),
    "IMAGE_TOO_MANY_SCANS": Reason("The image has too many scans", _IMAGE),
    "IMAGE_TRUNCATED": Reason("The file is incomplete", _IMAGE),
    "IMAGE_UNREADABLE": Reason("The image is damaged", _IMAGE),
    "IMAGE_TOO_MUCH_MEMORY": Reason("The image takes too much memory", _IMAGE),
    "IMAGE_TOO_SLOW": Reason("The image takes too long to read", _IMAGE),
    # What happens here.
    "RATE_LIMITED": Reason("Too many requests", _WAIT + " The `RateLimit` headers tell how many are left."),
    "RESOURCE_EXHAUSTED": Reason("Too much at once", _WAIT),
    "BUSY": Reason("Too much at once", _WAIT),
    "DECODERS_BUSY": Reason("Too many images at once", _WAIT),
    "DECODER_UNAVAILABLE": Reason("Images cannot be read at present", _WAIT),
    "KEY_UNAVAILABLE": Reason("The company's keys cannot be reached", _WAIT),
    "STOPPING": Reason("This process ends", "Repeat the request: another one answers it."),
    "UNAVAILABLE": Reason("A part of the platform is away", _WAIT),
    "DATABASE_BUSY": Reason("A part of the platform is busy", _WAIT),
    "DATABASE_FULL": Reason("No changes can be made at present", _WAIT),
    "DATABASE_READ_ONLY": Reason("No changes can be made at present", _WAIT),
    "DATABASE_UNAVAILABLE": Reason("A part of the platform is away", _WAIT),
    "SIGNING_KEYS_UNAVAILABLE": Reason("Tokens cannot be verified at present", _WAIT),
    "STORE_UNAVAILABLE": Reason("A part of the platform is away", _WAIT),
    "NOT_READY": Reason(
        "Not known here yet",
        "What was just made elsewhere is known here within a second: repeat the request then.",
    ),
    "GRANTS_STALE": Reason("No changes can be made at present", _WAIT),
    "REVISION_NOT_REACHED": Reason("Not that far yet", _WAIT),
    "REVISION_LOST": Reason(
        "The platform was restored from a backup",
        "Read without a revision, see what is there, and go on from that.",
    ),
    "CALLER_GONE": Reason("The request was broken off", "Repeat the request, and wait for its answer."),
    "DEADLINE_EXCEEDED": Reason(
        "It took too long",
        "Read the resource to see whether a change was made, then repeat the request if not.",
    ),
    "DATABASE_TIMEOUT": Reason("It took too long", _WAIT),
    "INTERNAL": Reason(
        "Something went wrong here",
        "Tell support the `request_id`; it finds what happened in the platform's logs.",
    ),
}

PRIVATE = frozenset(
    {"SERVICE_NOT_ALLOWED", "CERTIFICATE_UNKNOWN", "TOKEN_NOT_EXPECTED", "FEED_RESTORED", "TOO_MANY_STREAMS"}
)
"""Reasons between services: towards a client they are a fault of ours, like any other."""


SIGN_IN = frozenset(
    {
        "CHALLENGE_ENDED",
        "CLIENT_UNKNOWN",
        "INVALID_CLIENT",
        "INVALID_CREDENTIALS",
        "INVALID_GRANT",
        "INVALID_KEY_PROOF",
        "INVALID_REDIRECT_URI",
        "INVALID_SCOPE",
        "INVALID_SUBJECT_TOKEN",
        "PROOF_REFUSED",
        "REGISTERED_AT_ONCE",
        "SECOND_FACTOR_EXISTS",
        "UNAUTHORIZED_CLIENT",
    }
)
"""Reasons that only sign-in and the OAuth endpoints meet, which have words of their own (RFC 6749)."""


def reason_of(reason: str, status: HTTPStatus) -> Reason:
    """The words for a reason; for one that is not listed, those of its status."""
    return REASONS.get(reason) or Reason(status.phrase.capitalize(), status.description or status.phrase)


def kebab(reason: str) -> str:
    """The reason as the last segment of its address: `STALE_ETAG` is `stale-etag`."""
    return reason.lower().replace("_", "-")
