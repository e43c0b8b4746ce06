"""A comparison with other integrations: ``make bench``."""
