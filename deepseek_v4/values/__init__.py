"""Frozen values that all other packages use. Imports none of them."""
