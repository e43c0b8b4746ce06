"""Token counts of prompts and texts: exact with the extra ``tokens``, else estimated. Nothing is sent.

The billed count is the one in ``Reply.usage``.
"""

from deepseek_v4.tokens.count import TokenCount, count_prompt, count_text, token_ids
from deepseek_v4.tokens.estimate import estimate, estimate_text
from deepseek_v4.tokens.exact import encode

__all__ = ["TokenCount", "count_prompt", "count_text", "encode", "estimate", "estimate_text", "token_ids"]
