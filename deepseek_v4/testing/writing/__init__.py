"""Answers of the scripted model in the form of the three protocols."""
