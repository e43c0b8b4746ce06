"""What the service checks before it answers, one subject a file. Every check raises `Rejection`."""
