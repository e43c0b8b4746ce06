"""Judges of this package that are not part of it: DeepSeek's own `deepseek-recipe`, in the tests only."""
