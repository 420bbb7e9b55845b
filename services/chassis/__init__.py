"""What every service is bolted to: the contract's enforcement, the server, the database, the vault. Not a service."""
