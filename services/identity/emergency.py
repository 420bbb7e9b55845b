"""Getting back in where nobody can help any more: a new link for an operator, given out by hand (break-glass).

It is a row of its own, so that the person's history says who gave it and why.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.changes.recorder import CREATE, Recorded
from services.chassis.contract import PATTERNS
from services.chassis.db.rows import PersonRow
from services.identity import users
from services.identity.rows import Base

NAME = PATTERNS["comptoir.identity/EmergencyAccess"]


class EmergencyAccessRow(PersonRow, Base):
    """One link that was given out."""

    __tablename__ = "emergency_accesses"
    __recorded__ = Recorded("comptoir.identity/EmergencyAccess", actions=frozenset({CREATE}))
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.user_id"], ondelete="CASCADE"),
        PersonRow.__table_args__,
    )

    access_id: Mapped[str] = mapped_column(primary_key=True)
    given_by: Mapped[str]
    create_time: Mapped[datetime]

    @property
    def name(self) -> str:
        return NAME.format({"user": self.user_id, "emergency_access": self.access_id})

    @property
    def history(self) -> str:
        return users.NAME.format({"user": self.user_id})
