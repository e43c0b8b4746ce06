"""``POST /messages``, in the form of Anthropic."""
