"""``POST /completions``: fill-in-the-middle."""
