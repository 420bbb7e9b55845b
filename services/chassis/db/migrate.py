"""Brings a service's database to the newest shape, under its owner role. Forward only."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.pool import NullPool

from services.chassis.changes.restored import note_cluster

ENVIRONMENT = Path(__file__).parent / "migrations"


def owner_engine(url: str) -> Engine:
    """An engine for the few things that only the owner may do."""
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)


def migrate(url: str, versions: Path, metadata: MetaData) -> None:
    """Runs the migrations in `versions` that the database lacks; several at once wait for each other."""
    engine = owner_engine(url)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(hashtext('comptoir.migrations'))"))
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(ENVIRONMENT))
        config.set_main_option("version_locations", str(versions))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        config.attributes["metadata"] = metadata
        command.upgrade(config, "head")
        connection.commit()
        note_cluster(connection)
        connection.commit()
    engine.dispose()
