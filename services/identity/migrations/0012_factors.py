"""Second factors: codes by time, passkeys, recovery codes; how sessions were proved; which companies require one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.changes.ddl import recorded
from services.chassis.db.rows import TableClass
from services.chassis.db.schema import secure, swept
from services.chassis.mirrors.kinds import mirror_table

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _totps()
    _passkeys()
    op.create_table(
        "recovery_codes",
        _user(),
        sa.Column("digests", sa.ARRAY(sa.LargeBinary), nullable=False),
        sa.Column("remaining", sa.Integer, nullable=False),
        _time("create_time"),
        _of_user(),
    )
    secure("recovery_codes", TableClass.PERSON, "identity")
    recorded("recovery_codes")
    # Whoever is signed in has shown a password; the version before goes on writing neither column.
    op.add_column("sessions", sa.Column("methods", sa.ARRAY(sa.Text), nullable=False, server_default="{pwd}"))
    op.add_column("passwords", sa.Column("short", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "challenges",
        _user(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("language_code", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        _time("create_time"),
        sa.ForeignKeyConstraint(
            ["digest", "user_id"], ["bearers.digest", "bearers.user_id"], ondelete="CASCADE"
        ),
        _of_user(),
    )
    secure("challenges", TableClass.PERSON, "identity")
    mirror_table("company_policies", "identity")


def _totps() -> None:
    op.create_table(
        "totps",
        _user(),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        _time("create_time"),
        sa.Column("confirm_time", sa.DateTime(timezone=True)),
        sa.Column("step", sa.BigInteger),
        sa.Column("use_time", sa.DateTime(timezone=True)),
        _of_user(),
    )
    secure("totps", TableClass.PERSON, "identity")
    swept("totps", "identity")
    # That a code was used is no change of the record.
    recorded("totps", "insert or update of sealed, create_time, confirm_time or delete")


def _passkeys() -> None:
    op.create_table(
        "passkeys",
        _user(),
        sa.Column("passkey_id", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("device_bound", sa.Boolean, nullable=False),
        sa.Column("transports", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        _time("create_time"),
        sa.Column("use_time", sa.DateTime(timezone=True)),
        _of_user(),
    )
    op.create_index("passkeys_credential_id", "passkeys", ["user_id", "credential_id"], unique=True)
    secure("passkeys", TableClass.PERSON, "identity")
    recorded("passkeys", "insert or update of display_name, public_key or delete")


def _user() -> sa.Column[str]:
    return sa.Column("user_id", sa.Text, primary_key=True)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _of_user() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE")
