"""The protocols besides chat completions, what is built on them, and conversations that cross between them."""
