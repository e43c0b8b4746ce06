"""Build one HTTP request from settings, messages and call options."""
