"""The scripted model behind the local server."""
