"""More than one attempt at an answer. Policies decide without I/O; the drivers send."""
