"""From settings, messages and call options to one HTTP request."""
