"""What tests of services stand on: a real PostgreSQL, real mutual TLS, tokens, a service running in this process."""
