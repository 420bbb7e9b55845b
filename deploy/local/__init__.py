"""The whole platform on one machine, loopback only: PostgreSQL, certificates, every service, a mail sink."""
