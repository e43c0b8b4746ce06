"""The requests and replies as they were: 500 seeded requests and the replies of all cassettes, kept byte for byte.

``python -m tests.same_bytes`` compares; ``show N`` prints one request; ``--accept`` rewrites what is kept.
"""
