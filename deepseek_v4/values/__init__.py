"""Frozen values that everything else passes around. Imports no other room."""
