"""Limits that several models share: requests at a time and in a minute, and what they cost."""
