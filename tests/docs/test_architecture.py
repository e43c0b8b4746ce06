"""docs/architecture.md names files and classes that exist, and its picture shows the contracts."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = [ROOT / name for name in ("deepseek_v4", "langchain_deepseek_v4", "llama_index_deepseek_v4")]


def test_every_file_and_folder_exists() -> None:
    rooms = [ROOT, *PACKAGES, *(path for path in PACKAGES[0].iterdir() if path.is_dir())]
    named = re.findall(r"`([\w/]+(?:\.(?:py|toml)|/))(?:: \w+)?`", PAGE)
    assert len(named) > 50
    assert [name for name in named if not any((room / name).exists() for room in rooms)] == []


def test_every_room_of_the_core_is_listed() -> None:
    rooms = {path.name for path in PACKAGES[0].iterdir() if (path / "__init__.py").exists()}
    assert [room for room in sorted(rooms) if f"`{room}/`" not in PAGE] == []


def test_a_name_is_defined_in_its_file() -> None:
    for file, name in re.findall(r"`([\w/]+\.py): (\w+)`", PAGE):
        source = (PACKAGES[0] / file).read_text(encoding="utf-8")
        assert re.search(rf"^(class|def) {name}\b", source, re.MULTILINE), (file, name)


def test_twenty_questions_have_one_file_each() -> None:
    section = PAGE.partition("## Where is it")[2].partition("\n## ")[0]
    files = re.findall(r"^\| .+\? \| `([\w/.]+)` \|$", section, re.MULTILINE)
    assert len(set(files)) == len(files) == 20
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_the_picture_is_drawn_from_the_contracts() -> None:
    spec = importlib.util.spec_from_file_location("build_architecture", ROOT / "docs" / "build_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    drawn = builder.picture()
    assert builder.PICTURE.read_text(encoding="utf-8") == drawn, "run: python docs/build_architecture.py"
    elements = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    assert {"integration/", "values/", "client.py"} <= {element.text for element in elements}


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 130
