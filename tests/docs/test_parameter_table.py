"""docs/parameters.md equals the tables of the providers."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from deepseek_v4.providers import PROVIDERS
from deepseek_v4.values.sampling import Sampling

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_parameters", DOCS / "build_parameters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(builder: ModuleType) -> None:
    page = (DOCS / "parameters.md").read_text(encoding="utf-8")
    assert page == builder.render(), "run: python docs/build_parameters.py"


def test_every_option_and_every_provider_is_on_the_page(builder: ModuleType) -> None:
    page: str = builder.render()
    for name, provider in PROVIDERS.items():
        assert f"## {name}\n" in page or f"| `{name}` |" in page, name
        assert f"`{provider.key_variable}`" in page
        if provider.options_type is not None:
            for field in provider.options_type.model_fields:
                assert f"| `{field}` |" in page
    for name, _ in builder.COLUMNS:
        section = re.split(r"^## ", page.split(f"\n## {name}\n")[1], flags=re.M)[0]
        for option in (*Sampling._fields, "thinking_budget", "web_search=True", "thinking=True"):
            assert f"| `{option}` |" in section, (name, option)
