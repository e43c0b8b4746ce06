"""Limits that several models share: how many requests are under way, and how many follow in a minute."""
