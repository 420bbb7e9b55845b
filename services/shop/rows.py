"""The tables of the shop service, as one metadata."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase

from services.chassis.vault.sql_store import data_keys_table


class Base(DeclarativeBase):
    """Base of this service's mapped classes."""


DATA_KEYS = data_keys_table(Base.metadata)
