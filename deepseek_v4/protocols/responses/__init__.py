"""``POST /responses``, in OpenAI's format."""
