"""Token counts of prompts and texts: exact with the extra ``tokens``, else estimated. Nothing is sent.

The billed count is the one in ``Reply.usage``. The modules are imported when something is first counted.
"""

from typing import TYPE_CHECKING

from deepseek_v4._lazy import attributes

if TYPE_CHECKING:
    from deepseek_v4.tokens.count import TokenCount, count_prompt, count_text, token_ids
    from deepseek_v4.tokens.exact import encode
    from deepseek_v4.tokens.prompt_estimate import estimate
    from deepseek_v4.tokens.text_estimate import estimate_text

__all__ = ["TokenCount", "count_prompt", "count_text", "encode", "estimate", "estimate_text", "token_ids"]

_HOME = {
    **dict.fromkeys(("TokenCount", "count_prompt", "count_text", "token_ids"), "count"),
    "estimate": "prompt_estimate",
    "estimate_text": "text_estimate",
    "encode": "exact",
}

__getattr__ = attributes(globals(), _HOME)
