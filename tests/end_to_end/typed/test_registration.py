"""``init_chat_model("deepseek_v4:…")`` works once the package is imported, in whatever order."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from deepseek_v4.testing import LocalServer, Turn
from langchain_deepseek_v4 import ChatDeepSeekV4

MAKE = """
model = init_chat_model("deepseek_v4:deepseek-v4-flash:variant2", provider="empiriolabs", api_key="k", temperature=0)
assert type(model).__name__ == "ChatDeepSeekV4", model
assert (model.model, model.provider, model.temperature) == ("deepseek-v4-flash:variant2", "empiriolabs", 0)
model = init_chat_model("deepseek-v4-pro", model_provider="deepseek_v4", api_key="k")
assert model.model == "deepseek-v4-pro"
model = init_chat_model(configurable_fields=["model", "model_provider"], api_key="k")
bound = model.with_config(configurable={"model": "deepseek_v4:deepseek-v4-pro"})
assert bound._model({"configurable": {"model": "deepseek_v4:deepseek-v4-pro"}}).model == "deepseek-v4-pro"
"""
US = "import langchain_deepseek_v4\n"
THEM = "from langchain.chat_models import init_chat_model\n"


ROOT = Path(__file__).resolve().parents[3]


def run(program: str, *paths: Path, **environment: str) -> str:
    """What a program prints, with folders in front of Python's path."""
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


@pytest.mark.parametrize("order", [US + THEM, THEM + US], ids=["us first", "them first"])
def test_init_chat_model(order: str) -> None:
    pytest.importorskip("langchain")
    run(order + MAKE)


def test_langchain_is_not_imported_by_us() -> None:
    run(US + "import sys\nassert not [m for m in sys.modules if m == 'langchain' or m.startswith('langchain.')]")


def test_without_langchain_nothing_happens() -> None:
    hide = "import sys\nsys.modules['langchain'] = None\n"
    run(hide + US + "langchain_deepseek_v4.ChatDeepSeekV4(api_key='k')")


def test_with_another_table_nothing_happens() -> None:
    fake = "import sys, types\nsys.modules['langchain.chat_models.base'] = types.ModuleType('base')\n"
    run(fake + US)


def test_a_model_from_init_chat_model_answers() -> None:
    from langchain.chat_models import init_chat_model

    with LocalServer() as server:
        server.script(Turn("Hello.", reasoning="A greeting."))
        model = init_chat_model("deepseek_v4:deepseek-v4-pro", base_url=server.base_url, api_key=server.api_key)
        assert isinstance(model, ChatDeepSeekV4)
        answer = model.invoke("Hi")
    assert (answer.text, answer.additional_kwargs["reasoning_content"]) == ("Hello.", "A greeting.")
    assert server.requests[0].body["model"] == "deepseek-v4-pro"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """What an installer writes of our entry points, so that they are found where the package is not installed."""
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = configparser.ConfigParser()
    written.read_dict(project["entry-points"])
    about = tmp_path / "deepseek_v4-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: deepseek-v4\nVersion: 0\n", encoding="utf-8")
    with (about / "entry_points.txt").open("w", encoding="utf-8") as file:
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


def test_deepagents_takes_our_word_without_an_import_and_its_profiles_reach_us(installed: Path) -> None:
    pytest.importorskip("deepagents", reason="deepagents needs Python 3.11")
    with LocalServer() as server:
        server.script(Turn("Hello.", reasoning="A greeting."))
        assert run(DEEP % server.base_url, installed, ROOT, DEEPSEEK_API_KEY=server.api_key) == "Hello.\n"
    body = server.requests[0].body
    assert (body["model"], body["max_tokens"]) == ("deepseek-v4-pro", 500)


def test_deepagents_finds_us_by_its_entry_point() -> None:
    pytest.importorskip("deepagents", reason="deepagents needs Python 3.11")
    target = EntryPoint("deepseek_v4", "langchain_deepseek_v4.registration:register", "deepagents.provider_profiles")
    target.load()()
    run(
        "from langchain_deepseek_v4.registration import register\nregister()\n"
        "from deepagents._models import resolve_model\nimport os\nos.environ['DEEPSEEK_API_KEY'] = 'k'\n"
        "assert type(resolve_model('deepseek_v4:deepseek-v4-pro')).__name__ == 'ChatDeepSeekV4'"
    )
