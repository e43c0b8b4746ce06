"""Draw ``docs/architecture.svg`` from the import-linter contracts in ``pyproject.toml``.

The layers and the rules are the contracts'; the line under a name is the first sentence of its docstring. After a
change of either:

    python docs/build_architecture.py
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"

WIDTH, MARGIN, GAP, PAD = 1080, 20, 12, 14
LINE, HEAD = 17, 22
CHARACTER = 6.3  # of the small text, in pixels; a little more than the fonts of browsers take
SIDE_WIDTH = 270

STYLE = """
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #59636e }
.name { font-weight: 600; font-size: 14px; fill: #1f2328 }
.part { font-size: 13px; fill: #1f2328 }
rect { fill: #ffffff; stroke: #d1d9e0 }
.package { fill: #f6f8fa; stroke: #818b98 }
.adapter { fill: #ddf4ff; stroke: #54aeff }
.server { fill: #fff8c5; stroke: #d4a72c }
path { stroke: #818b98; fill: none; stroke-width: 1.5 }
marker path { fill: #818b98; stroke: none }
.page { fill: #ffffff; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 } .name, .part { fill: #f0f6fc }
  rect { fill: #0d1117; stroke: #3d444d } .package { fill: #151b23; stroke: #656c76 }
  .adapter { fill: #0c2d4a; stroke: #1f6feb } .server { fill: #2e2505; stroke: #9e6a03 }
  path { stroke: #9198a1 } marker path { fill: #9198a1 }
  .page { fill: #0d1117 }
}
"""


def contracts() -> list[dict[str, Any]]:
    """Return the contracts, in the order of the file."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["tool"]["importlinter"]["contracts"]


def layers(container: str) -> list[list[str]]:
    """Return the layers of a package, top first, each with its siblings."""
    (found,) = (c for c in contracts() if c["type"] == "layers" and c["containers"] == [container])
    return [[name.strip() for name in layer.split("|")] for layer in found["layers"]]


def rules() -> list[str]:
    """Return the names of the contracts that are not layers."""
    return [contract["name"] for contract in contracts() if contract["type"] != "layers"]


def purpose(module: str) -> str:
    """Return the first sentence of a module's docstring, without markup."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".").replace("``", "")


def wrapped(words: str, width: float) -> list[str]:
    """Break a text into lines of a width in pixels."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if len(longer) * CHARACTER <= width else [*lines, word]
    return lines


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Return a line of text; ``y`` is its base line."""
    look = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{look}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str = "") -> str:
    """Return a rectangle."""
    look = f' class="{kind}"' if kind else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"{look}/>'


def arrow(x: float, start: float, end: float) -> str:
    """Return an arrow that points down: what is above imports what is below."""
    return f'<path d="M{x:g} {start:g}V{end:g}" marker-end="url(#head)"/>'


def named(module: str) -> str:
    """Return the name of a room with a slash, or of a file with its ending."""
    path = ROOT.joinpath(*module.split("."))
    return f"{path.name}/" if path.is_dir() else f"{path.name}.py"


def room(x: float, y: float, width: float, height: float, module: str) -> Iterator[str]:
    """Draw one sibling of a layer of the core: its name and its purpose."""
    yield box(x, y, width, height)
    yield text(x + 10, y + 19, named(module), "name")
    for number, line in enumerate(wrapped(purpose(module), width - 20)):
        yield text(x + 10, y + 19 + LINE * (number + 1), line)


def core(x: float, y: float, width: float) -> tuple[list[str], float]:
    """Draw the core without the local server, which has its own box; return the drawing and its lower edge."""
    drawn, top = [], y + PAD + HEAD
    for layer in layers("deepseek_v4"):
        modules = [f"deepseek_v4.{name}" for name in layer if name != "testing"]
        each = (width - 2 * PAD - GAP * (len(modules) - 1)) / len(modules)
        height = 28 + LINE * max(len(wrapped(purpose(module), each - 20)) for module in modules)
        if drawn:
            drawn.append(arrow(x + width / 2, top - GAP - 4, top - 2))
        for number, module in enumerate(modules):
            drawn.extend(room(x + PAD + number * (each + GAP), top, each, height, module))
        top += height + GAP + 6
    bottom = top + PAD - GAP - 6
    return [box(x, y, width, bottom - y, "package"), text(x + PAD, y + 24, "deepseek_v4", "name"), *drawn], bottom


def listed(x: float, y: float, width: float, package: str, kind: str) -> tuple[list[str], float]:
    """Draw a package with its layers as lines, top first; return the drawing and its lower edge."""
    drawn = [text(x + PAD, y + 24, package.replace(".", "/"), "name")]
    top = y + 24
    for line in wrapped(purpose(package), width - 2 * PAD):
        top += LINE
        drawn.append(text(x + PAD, top, line))
    top += 6
    for layer in layers(package):
        for line in wrapped(" · ".join(named(f"{package}.{name}") for name in layer), (width - 2 * PAD) * 0.94):
            top += LINE
            drawn.append(text(x + PAD, top, line, "part"))
        top += 5
    return [box(x, y, width, top + 8 - y, kind), *drawn], top + 8


def picture() -> str:
    """Return the picture as SVG."""
    full = WIDTH - 2 * MARGIN
    left = full - SIDE_WIDTH - 2 * GAP
    half = (left - 2 * GAP) / 2
    lc, lc_end = listed(MARGIN, MARGIN, half, "langchain_deepseek_v4", "adapter")
    li, li_end = listed(MARGIN + half + 2 * GAP, MARGIN, half, "llama_index_deepseek_v4", "adapter")
    adapters_end = max(lc_end, li_end)
    middle, core_end = core(MARGIN, adapters_end + 30, left)
    server, server_end = listed(MARGIN + left + 2 * GAP, MARGIN, SIDE_WIDTH, "deepseek_v4.testing", "server")
    arrows = [arrow(MARGIN + half * part, end + 4, adapters_end + 28) for part, end in ((0.5, lc_end), (1.5, li_end))]
    protocols, protocols_end = listed(
        MARGIN + left + 2 * GAP, server_end + 30, SIDE_WIDTH, "deepseek_v4.protocols", "package"
    )
    beneath = max(core_end, protocols_end) + 26
    notes = [
        text(MARGIN, beneath, "An arrow points to what is imported. Modules on one line do not import each other.")
    ]
    notes += [text(MARGIN, beneath + LINE * (number + 1), f"– {rule}") for number, rule in enumerate(rules())]
    height = beneath + LINE * len(rules()) + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">',
            "<title>The packages and their layers</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
            box(0, 0, WIDTH, height, "page"),
            *lc,
            *li,
            *arrows,
            *middle,
            *server,
            *protocols,
            *notes,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
