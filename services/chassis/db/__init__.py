"""The database of a service: three roles, row-level security, one scoped session for one call, migrations."""
