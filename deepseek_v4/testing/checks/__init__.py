"""The service's checks before it answers, one subject per file. Every check raises `Rejection`."""
