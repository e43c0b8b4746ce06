"""ASGI and sockets of the local server."""
