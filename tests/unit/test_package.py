from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import deepseek_v4
from deepseek_v4 import observe

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", deepseek_v4.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(deepseek_v4, name) is not None
    assert name in dir(deepseek_v4)


@pytest.mark.parametrize("name", observe.__all__)
def test_every_name_of_the_observers_can_be_imported(name: str) -> None:
    pytest.importorskip("opentelemetry")
    assert getattr(observe, name).__module__.startswith("deepseek_v4.observe.")


def test_every_name_is_defined_in_one_module() -> None:
    from deepseek_v4 import _HOME

    assert {*_HOME, "errors", "__version__"} == set(deepseek_v4.__all__)


def test_a_missing_name_is_named_in_the_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clientt'"):
        deepseek_v4.Clientt  # noqa: B018


def modules_after(code: str) -> set[str]:
    listing = f"{code}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_imports_neither_httpx_nor_pydantic() -> None:
    loaded = modules_after("import deepseek_v4")
    assert "deepseek_v4" in loaded
    assert not loaded & {"httpx", "pydantic", "orjson", "asyncio", "starlette", "langchain_core", "llama_index"}


def test_the_values_and_errors_import_neither_httpx_nor_a_framework() -> None:
    loaded = modules_after("from deepseek_v4 import Message, Reply, ToolSpec, errors, fold")
    assert not loaded & {"httpx", "langchain_core", "llama_index", "openai"}


def test_creating_a_client_imports_no_http_library() -> None:
    loaded = modules_after("from deepseek_v4 import Client\nClient(api_key='sk-1').preview('Hi')")
    assert not loaded & {"httpx", "httpx2", "langchain_core", "llama_index", "openai"}


def test_the_adapters_import_only_what_a_first_call_requires() -> None:
    loaded = modules_after("import langchain_deepseek_v4, llama_index_deepseek_v4")
    assert {"langchain_deepseek_v4.convert.messages", "llama_index_deepseek_v4.convert.messages"} <= loaded
    rare = {"catalog.update", "tokens.count", "values.account", "values.files"}
    assert not loaded & {f"deepseek_v4.{name}" for name in (*rare, "values.web_tools")}
    assert not loaded & {"llama_index_deepseek_v4.typed.predict", "llama_index_deepseek_v4.word_embedding"}


def test_an_event_nested_too_deeply_is_malformed_without_orjson_too() -> None:
    code = (
        "import sys\n"
        "sys.modules['orjson'] = None\n"
        "from deepseek_v4.values import json\n"
        "try:\n"
        "    json.fast_loads(b'[' * 200_000 + b']' * 200_000)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "nested too deeply" in run.stdout


@pytest.mark.parametrize("package", ["deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4"])
def test_no_class_variable_is_annotated_without_its_type(package: str) -> None:
    """Python 3.10 with pydantic 2.9 cannot evaluate the annotation ``ClassVar`` alone."""
    sources = list((ROOT / package).rglob("*.py"))
    assert sources
    assert [path.name for path in sources if re.search(r": ClassVar( =|$)", path.read_text("utf-8"), re.M)] == []
