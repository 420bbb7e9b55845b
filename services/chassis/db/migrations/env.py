"""Alembic's environment, one for all services: connection and metadata come from `migrate`."""

from alembic import context

config = context.config
connection = config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=config.attributes["metadata"], transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
