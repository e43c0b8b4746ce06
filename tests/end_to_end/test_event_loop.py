"""Nothing blocks an event loop: ``langgraph dev`` raises ``BlockingError`` for calls that do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deepseek_v4.testing import LocalServer

SCRIPT = """
import asyncio
import sys

from blockbuster import blockbuster_ctx
from deepseek_v4 import inspect
from langchain_deepseek_v4 import ChatDeepSeekV4

async def main():
    async with ChatDeepSeekV4() as model:
        assert model.profile["max_input_tokens"]
        assert (await model.ainvoke("Hello")).text
        assert [chunk async for chunk in model.astream("Hello")]
        assert model.get_num_tokens("Hello")
        assert (await model.aupload_file(sys.argv[1])).id

with blockbuster_ctx(), inspect(sys.argv[2]):
    asyncio.run(main())
"""


def test_a_model_that_is_new_does_not_block_the_loop(deepseek_server: LocalServer, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(b"%PDF-1.4")
    connection = {"DEEPSEEK_BASE_URL": deepseek_server.base_url, "DEEPSEEK_API_KEY": deepseek_server.api_key}
    arguments = [sys.executable, "-c", SCRIPT, str(file), str(tmp_path / "run.html")]
    subprocess.run(arguments, env={**os.environ, **connection}, check=True)
    assert (tmp_path / "run.jsonl").read_bytes().count(b'"answer"') == 2
