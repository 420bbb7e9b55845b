"""The platform's own authority and its certificates: `python -m deploy.local.certificates DIRECTORY`.

Services and the platform's internal callers present a SPIFFE identity (SPIFFE X509-SVID: one URI name), for
TLS in both directions. On a developer's machine all name loopback only, and browsers are shown another certificate,
without an identity; in production (`python -m deploy.bootstrap`) they name hosts of one domain, and what browsers are
shown is for an authority that browsers know: `request` asks it.
"""

import argparse
import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local import files

TRUST_DOMAIN = "comptoir.internal"
INTERNAL = (
    *("identity", "company", "shop", "media", "inbox", "gateway", "backoffice"),
    *("payment-engine", "payment-pages", "mailer", "bootstrap"),
)
"""Who has an identity: our processes, the platform's internal callers, and the operator's bootstrap tool."""
WEB = "web"
"""The certificate of what browsers visit."""

AUTHORITY_LIFE = timedelta(days=3650)
LIFE = timedelta(days=90)
RENEWED_BEFORE_END = timedelta(days=30)
DEVELOPMENT = "localhost"
"""The domain of a platform on one machine."""
_BACKDATED = timedelta(hours=1)

_Authority = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def identity(name: str) -> str:
    """The SPIFFE identity of a process, as found in its certificate."""
    return f"spiffe://{TRUST_DOMAIN}/{name}"


def ensure(directory: Path, now: datetime, domain: str = DEVELOPMENT) -> Path:
    """Makes `directory` hold the authority and a certificate for every name, each with 30 days left or more.

    Layout: `ca.pem`, and for each name `<name>/tls.crt`, `<name>/tls.key`, `<name>/ca.crt`. What is still
    good is kept. Returns the path of the authority's certificate. Services are reached at `<name>.<domain>`, and
    their feeds at `<name>-feed.<domain>`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    authority = _authority(directory, now, domain)
    for name in (*INTERNAL, *([WEB] if domain == DEVELOPMENT else [])):
        _ensure_leaf(directory / name, name, authority, now, domain)
    return directory / "ca.pem"


def request(directory: Path, host: str) -> Path:
    """Makes `directory` hold a key for what browsers visit, and the request for its certificate, to be sent to an
    authority that browsers know. Returns the path of the request; what is there is kept."""
    directory.mkdir(parents=True, exist_ok=True)
    asked, key_file = directory / "tls.csr", directory / "tls.key"
    if asked.exists() and key_file.exists():
        return asked
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(host))
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    _write_key(key_file, key)
    files.write(asked, signed.public_bytes(serialization.Encoding.PEM), 0o644)
    return asked


def _constraints(domain: str) -> x509.NameConstraints:
    # Developers let their browsers trust this authority: whoever gets hold of its key must not become any other site.
    # Addresses cannot be constrained as well: BoringSSL, so gRPC, refuses an authority that does.
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain), x509.UniformResourceIdentifier(TRUST_DOMAIN)],
        excluded_subtrees=None,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _authority(directory: Path, now: datetime, domain: str) -> _Authority:
    certificate_file, key_file = directory / "ca.pem", directory / "ca.key"
    held = _held(certificate_file, key_file)
    if held and held[0].not_valid_after_utc - now > LIFE:
        return held
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Comptoir {'development ' if domain == DEVELOPMENT else ''}authority")
    builder = (
        _builder(name, name, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(_constraints(domain), critical=True)
    )
    certificate = builder.sign(key, hashes.SHA256())
    _write(certificate_file, certificate, key_file, key)
    return certificate, key


def _ensure_leaf(directory: Path, name: str, authority: _Authority, now: datetime, domain: str) -> None:
    directory.mkdir(exist_ok=True)
    certificate_file, key_file = directory / "tls.crt", directory / "tls.key"
    held = _held(certificate_file, key_file)
    if (
        held
        and _is_issued_by(held[0], authority[0])
        and held[0].not_valid_after_utc - now > RENEWED_BEFORE_END
    ):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    _write(certificate_file, _leaf(name, key.public_key(), authority, now, domain), key_file, key)
    files.write(directory / "ca.crt", _pem(authority[0]), 0o644)


def _hosts(name: str, domain: str) -> list[x509.GeneralName]:
    if domain == DEVELOPMENT:
        loopback = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
        return [x509.DNSName("localhost"), *loopback]
    return [x509.DNSName(f"{name}.{domain}"), x509.DNSName(f"{name}-feed.{domain}")]


def _leaf(
    name: str, key: ec.EllipticCurvePublicKey, authority: _Authority, now: datetime, domain: str
) -> x509.Certificate:
    issuer, issuer_key = authority
    subject, names = _name(name), _hosts(name, domain)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH]
    if name != WEB:
        names.append(x509.UniformResourceIdentifier(identity(name)))
        usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    return (
        _builder(subject, issuer.subject, key, now, LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A clock that is a little behind, in a container or a virtual machine, must accept it too.
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _held(certificate_file: Path, key_file: Path) -> _Authority | None:
    """What the two files hold, or None where they are absent, broken, or (after a crash) not of one pair."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return certificate, key


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, InvalidSignature):
        return False
    return True


def _write(
    certificate_file: Path, certificate: x509.Certificate, key_file: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    _write_key(key_file, key)
    files.write(certificate_file, _pem(certificate), 0o644)


def _write_key(key_file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.write(key_file, encoded, 0o600)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def main(arguments: Iterable[str] | None = None) -> None:
    """Issues what is missing or about to expire, and says where it is."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.certificates", description=main.__doc__)
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args(None if arguments is None else list(arguments)).directory
    authority = ensure(directory, datetime.now(UTC))
    print(f"Certificates in {directory}, issued by {authority}")


if __name__ == "__main__":
    main()
