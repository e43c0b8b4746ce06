"""``init_chat_model("deepseek_v4:…")`` works after ``register()``, and deepagents registers by an entry point."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import langchain_deepseek_v4
from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4

ROOT = Path(__file__).resolve().parents[3]


def run(program: str, *paths: Path, **environment: str) -> str:
    """Return what a program prints, with folders in front of Python's path."""
    path = os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A copy of langchain's table of providers, so that no test registers for another one."""
    base = pytest.importorskip("langchain.chat_models.base")
    monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", dict(base._BUILTIN_PROVIDERS))
    providers: dict[str, Any] = base._BUILTIN_PROVIDERS
    return providers


def test_init_chat_model_creates_our_model_and_passes_its_options(table: dict[str, Any]) -> None:
    from langchain.chat_models import init_chat_model

    langchain_deepseek_v4.register()
    pro = "deepseek_v4:deepseek-v4-pro"
    model: Any = init_chat_model(
        "deepseek_v4:deepseek-v4-flash:variant2", provider="empiriolabs", api_key="k", temperature=0
    )
    assert type(model) is ChatDeepSeekV4
    assert (model.model, model.provider, model.temperature) == ("deepseek-v4-flash:variant2", "empiriolabs", 0)
    model = init_chat_model("deepseek-v4-pro", model_provider="deepseek_v4", api_key="k")
    assert model.model == "deepseek-v4-pro"
    model = init_chat_model(configurable_fields=["model", "model_provider"], api_key="k")
    assert model._model({"configurable": {"model": pro}}).model == "deepseek-v4-pro"


def test_registering_again_changes_nothing(table: dict[str, Any]) -> None:
    langchain_deepseek_v4.register()
    before = dict(table)
    langchain_deepseek_v4.register()
    assert table == before


def test_a_langchain_with_another_table_is_reported(monkeypatch: pytest.MonkeyPatch, table: dict[str, Any]) -> None:
    monkeypatch.delattr("langchain.chat_models.base._BUILTIN_PROVIDERS")
    with pytest.raises(RuntimeError, match="no table of chat model providers"):
        langchain_deepseek_v4.register()


def test_importing_the_package_changes_nothing_and_needs_no_langchain() -> None:
    run("""
import sys
before = list(sys.meta_path)
import langchain_deepseek_v4
assert sys.meta_path == before
assert not [name for name in sys.modules if name.partition(".")[0] == "langchain"]
assert "langchain_core.tools.base" not in sys.modules
sys.modules["langchain"] = None
langchain_deepseek_v4.ChatDeepSeekV4(api_key="k")
try:
    langchain_deepseek_v4.register()
except ImportError as error:
    assert "pip install langchain" in str(error)
else:
    raise AssertionError
""")


def test_a_model_from_init_chat_model_answers(table: dict[str, Any]) -> None:
    from langchain.chat_models import init_chat_model

    langchain_deepseek_v4.register()
    with LocalServer() as server:
        server.script(Turn("Hello.", reasoning="A greeting."))
        model = init_chat_model("deepseek_v4:deepseek-v4-pro", base_url=server.base_url, api_key=server.api_key)
        assert isinstance(model, ChatDeepSeekV4)
        answer = model.invoke("Hi")
    assert (answer.text, answer.additional_kwargs["reasoning_content"]) == ("Hello.", "A greeting.")
    assert server.requests[0].body["model"] == "deepseek-v4-pro"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Write our entry points as an installer does, so that they are found if the package is not installed."""
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = configparser.ConfigParser()
    written.read_dict(project["entry-points"])
    metadata = tmp_path / "deepseek_v4-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: deepseek-v4\nVersion: 0\n", encoding="utf-8")
    with (metadata / "entry_points.txt").open("w", encoding="utf-8") as file:
        written.write(file)
    return tmp_path


DEEP = """
import sys
from deepagents import ProviderProfile, create_deep_agent, register_provider_profile
assert "langchain_deepseek_v4" not in sys.modules
register_provider_profile("deepseek_v4", ProviderProfile(init_kwargs={"base_url": %r, "max_tokens": 500}))
agent = create_deep_agent("deepseek_v4:deepseek-v4-pro")
print(agent.invoke({"messages": [("user", "Hi")]})["messages"][-1].text)
"""


def test_deepagents_finds_the_model_without_an_import_and_its_profiles_reach_us(installed: Path) -> None:
    pytest.importorskip("deepagents", reason="deepagents needs Python 3.11")
    with LocalServer() as server:
        server.script(Turn("Hello.", reasoning="A greeting."))
        assert run(DEEP % server.base_url, installed, ROOT, DEEPSEEK_API_KEY=server.api_key) == "Hello.\n"
    body = server.requests[0].body
    assert (body["model"], body["max_tokens"]) == ("deepseek-v4-pro", 500)
