"""Requests of the three protocols as one ``ChatCall``."""
