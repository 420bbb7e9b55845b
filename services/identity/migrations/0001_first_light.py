"""Accounts, places in companies, sessions, clients, grants, signing keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import publish, recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure
from services.chassis.mirrors.kinds import mirror_table
from services.chassis.outbox.tables import outbox
from services.chassis.tables import chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    chassis_tables("identity")
    mirror_table("known_companies", "identity")
    _people()
    _memberships()
    _sign_in()
    _grants()
    _platform()
    outbox("identity")


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text, primary_key=True),
        _text("login"),
        _text("email"),
        _text("title"),
        _text("given_name"),
        _text("family_name"),
        _texts("phones"),
        _text("language_code"),
        _text("time_zone"),
        _text("home_page"),
        sa.Column("operator", sa.Boolean, nullable=False),
        _time("create_time"),
        _time("update_time"),
        sa.Column("version", sa.Integer, nullable=False),
    )
    secure("users", TableClass.PERSON, "identity")
    recorded("users")
    op.create_table("logins", sa.Column("login_key", sa.Text, primary_key=True), _text("user_id"))
    op.create_index("logins_user_id", "logins", ["user_id"], unique=True)
    secure("logins", TableClass.DIRECTORY, "identity")
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.Text, primary_key=True),
        _text("hash"),
        _time("set_time"),
        _of_user(),
    )
    secure("passwords", TableClass.PERSON, "identity")


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("company", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        _text("role"),
        sa.Column("all_shops", sa.Boolean, nullable=False),
        _texts("shop_ids"),
        _text("user_display_name"),
        _time("create_time"),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("memberships_user_id", "memberships", ["user_id"])
    secure("memberships", TableClass.MEMBERSHIP, "identity")
    recorded("memberships")
    publish("memberships", "identity", ("company", "user_id", "role", "all_shops", "shop_ids", "suspended"))


def _sign_in() -> None:
    op.create_table(
        "attempts",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        _time("expire_time"),
    )
    op.create_index("attempts_expire_time", "attempts", ["expire_time"])
    secure("attempts", TableClass.PLATFORM, "identity")
    op.create_table(
        "bearers",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        _time("expire_time"),
    )
    op.create_index("bearers_expire_time", "bearers", ["expire_time"])
    secure("bearers", TableClass.DIRECTORY, "identity")
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        _time("authenticate_time"),
        _time("create_time"),
        _time("use_time"),
        _text("source_address"),
        _text("user_agent"),
        _behind_bearer(),
        _of_user(),
    )
    secure("sessions", TableClass.PERSON, "identity")

    op.create_table(
        "ended_sessions",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, primary_key=True),
        _time("end_time"),
    )
    secure("ended_sessions", TableClass.DIRECTORY, "identity", "select, insert, delete")
    recorded("ended_sessions", "insert")
    publish("ended_sessions", "identity", ("user_id", "session_id", "end_time"))


def _grants() -> None:
    op.create_table(
        "consents",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("client_id", sa.Text, primary_key=True),
        _texts("scopes"),
        _time("update_time"),
        _of_user(),
    )
    secure("consents", TableClass.PERSON, "identity")
    op.create_table(
        "codes",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _text("session_id"),
        _text("client_id"),
        _text("redirect_uri"),
        _text("code_challenge"),
        _texts("scopes"),
        _text("nonce"),
        sa.Column("company", sa.Text),
        _time("create_time"),
        sa.Column("redeem_time", sa.DateTime(timezone=True)),
        sa.Column("family_id", sa.Text),
        _behind_bearer(),
        _of_session(),
    )
    secure("codes", TableClass.PERSON, "identity")
    op.create_table(
        "families",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("family_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        _text("session_id"),
        _text("client_id"),
        _texts("scopes"),
        sa.Column("company", sa.Text),
        sa.Column("number", sa.Integer, nullable=False),
        _time("create_time"),
        _time("rotate_time"),
        _behind_bearer(),
        _of_session(),
    )
    secure("families", TableClass.PERSON, "identity")


def _platform() -> None:
    op.create_table(
        "clients",
        sa.Column("client_id", sa.Text, primary_key=True),
        _text("display_name"),
        _texts("redirect_uris"),
        _texts("scopes"),
        _texts("grant_types"),
        sa.Column("secret_digest", sa.LargeBinary),
        sa.Column("first_party", sa.Boolean, nullable=False),
        _time("update_time"),
    )
    secure("clients", TableClass.PLATFORM, "identity")
    recorded("clients")
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        _text("public_jwk"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        _text("state"),
        _time("create_time"),
        sa.Column("activate_time", sa.DateTime(timezone=True)),
        sa.Column("retire_time", sa.DateTime(timezone=True)),
    )
    secure("signing_keys", TableClass.PLATFORM, "identity")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, sa.ARRAY(sa.Text), nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _of_user() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE")


def _behind_bearer() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["digest", "user_id"], ["bearers.digest", "bearers.user_id"], ondelete="CASCADE"
    )


def _of_session() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id", "session_id"], ["sessions.user_id", "sessions.session_id"], ondelete="CASCADE"
    )
