"""Retries and continuations: policies decide without I/O, the drivers send."""
