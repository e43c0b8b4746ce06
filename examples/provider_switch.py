"""The same question to several providers: only ``provider`` changes. OpenRouter, EmpirioLabs, your own server.

A provider is called if its key is set. For every other one, a local server of the same type is started with scripted
answers; the output lists these providers.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4

QUESTION = "Which is larger, 9.11 or 9.9? One sentence."
KEYS = {
    "deepseek": "DEEPSEEK_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "empiriolabs:variant2": "EMPIRIOLABS_API_KEY",
    "vllm": "VLLM_API_KEY",
    "sglang": "SGLANG_API_KEY",
}


@contextlib.contextmanager
def provider_or_local(provider: str) -> Iterator[dict[str, Any]]:
    """Yield the model options for the provider, or for a local server that imitates it."""
    if os.environ.get(KEYS[provider]):
        yield {"provider": provider}
        return
    with LocalServer(provider=provider.partition(":")[0]) as server:
        server.script(Turn("(scripted) 9.9 is larger.", reasoning="0.9 is more than 0.11."))
        yield {"provider": provider, "base_url": server.base_url, "api_key": server.api_key}


def main() -> None:
    """Send the question to every provider, and print what was sent and answered."""
    local = [provider for provider in KEYS if not os.environ.get(KEYS[provider])]
    if local:
        print(f"No key for {', '.join(local)}: a local server answers for each.")
        print("Its answers are scripted; no model is involved.\n")
    for provider in KEYS:
        with provider_or_local(provider) as options:
            model = ChatDeepSeekV4(**options, thinking=True, max_tokens=2000)
            body = model.preview(QUESTION).body
            answer = model.invoke(QUESTION)
        switch = {name: value for name, value in body.items() if name not in ("model", "messages", "max_tokens")}
        cost = answer.response_metadata.get("cost")
        print(f"{provider}\n  model {body['model']}, thinking sent as {switch}")
        print(f"  reasoning: {answer.additional_kwargs.get('reasoning_content')}\n  answer: {answer.text}")
        print("  cost: unknown" if cost is None else f"  cost: ${cost:.8f}")


if __name__ == "__main__":
    main()
