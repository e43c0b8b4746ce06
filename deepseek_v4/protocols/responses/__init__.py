"""``POST /responses``, in the form of OpenAI."""
