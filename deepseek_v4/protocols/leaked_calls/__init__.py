"""Detection of tool calls that a server left in the text, in the model's own markup."""
