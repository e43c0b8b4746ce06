"""``init_chat_model("deepseek_v4:…")`` works once the package is imported, in whatever order."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

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


def run(program: str) -> None:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr[-2000:]


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


def test_deepagents_finds_us_by_its_entry_point() -> None:
    pytest.importorskip("deepagents")
    target = EntryPoint("deepseek_v4", "langchain_deepseek_v4.registration:register", "deepagents.provider_profiles")
    target.load()()
    run(
        "from langchain_deepseek_v4.registration import register\nregister()\n"
        "from deepagents._models import resolve_model\nimport os\nos.environ['DEEPSEEK_API_KEY'] = 'k'\n"
        "assert type(resolve_model('deepseek_v4:deepseek-v4-pro')).__name__ == 'ChatDeepSeekV4'"
    )
