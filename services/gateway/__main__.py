"""`python -m services.gateway`."""

from services.gateway.server import serve

if __name__ == "__main__":
    serve()
