"""The scripted model of the local server."""
