"""The server as users install it: fixtures, command, lazy imports, and no import of the core."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import httpx
import pytest

import deepseek_v4.testing
from deepseek_v4.testing import LocalServer
from deepseek_v4.testing.pytest_plugin import deepseek_server, deepseek_server_session

__all__ = ["deepseek_server", "deepseek_server_session"]

ROOT = pathlib.Path(deepseek_v4.testing.__file__).parent


def test_the_fixture_is_a_new_strict_server(deepseek_server: LocalServer) -> None:
    headers = {"authorization": f"Bearer {deepseek_server.api_key}"}
    assert httpx.get(f"{deepseek_server.base_url}/models", headers=headers).status_code == 200
    assert len(deepseek_server.requests) == 1


def test_the_session_fixture_is_another_server(
    deepseek_server: LocalServer,
    deepseek_server_session: LocalServer,
) -> None:
    assert deepseek_server.requests == []
    assert deepseek_server.base_url != deepseek_server_session.base_url


def test_nothing_of_the_core_is_imported() -> None:
    """The server must not repeat an error of the client."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                assert module.split(".")[0] != "deepseek_v4" or module.startswith("deepseek_v4.testing"), path


@pytest.mark.parametrize("module", ["deepseek_v4.testing", "deepseek_v4.testing.pytest_plugin"])
def test_imports_do_not_load_the_server(module: str) -> None:
    check = f"import sys, {module}; sys.exit('uvicorn' in sys.modules or 'starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_is_named(missing: str) -> None:
    check = f"import sys; sys.modules[{missing!r}] = None; from deepseek_v4.testing import LocalServer"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert result.stderr.endswith(
        f"ModuleNotFoundError: The local server needs {missing}. Run: pip install 'deepseek-v4[testing]'\n"
    )


def test_unknown_providers_and_names_are_errors() -> None:
    with pytest.raises(ValueError, match="Use one of deepseek, empiriolabs, openrouter, sglang, vllm"):
        LocalServer(provider="unlisted")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = deepseek_v4.testing.Nothing


def test_a_port_that_is_taken_is_named(deepseek_server: LocalServer) -> None:
    port = int(deepseek_server.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match=rf"cannot listen on 127.0.0.1:{port}: .*\. Use another port, or 0"):
        LocalServer(port=port).start()
