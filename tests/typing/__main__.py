"""Check the code of the README, of the docs and of this folder with strict type checkers: ``python -m tests.typing``.

The code is copied to a folder outside the project, so that it is checked like the code of a user.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHARED = {"pythonVersion": "3.11", "extraPaths": [str(ROOT)], "reportUnnecessaryTypeIgnoreComment": "error"}
"""An unused ``type: ignore`` is an error: with it, ``wrong_code.py`` shows that wrong lines are detected."""
ARGUMENT, MEMBER, VARIABLE = (f"reportUnknown{kind}Type" for kind in ("Argument", "Member", "Variable"))
UNTYPED = {
    r"\bcreate_agent\(": (MEMBER, VARIABLE),
    r"\btrim_messages\(": (VARIABLE,),
    r"\b(response|last)\.additional_kwargs\b": (ARGUMENT, MEMBER, VARIABLE),
    r"\.as_(query|chat)_engine\(|\bMemory\.from_defaults\(|\bCitationQueryEngine\b": (MEMBER,),
    r"\bSimpleChatEngine\b": (ARGUMENT, MEMBER, VARIABLE),
    r"\bFunctionAgent\(": (ARGUMENT, "reportDeprecated"),
    r"\bllama_index\.tools\.mcp\b": ("reportMissingTypeStubs",),
}
"""Names of the frameworks whose own types are incomplete or deprecated, and the rules of pyright that report them.

``FunctionAgent.run(user_msg=…)`` is reported although the message recommends it: a deprecated overload accepts it too.
"""


def copy_code(folder: Path) -> int:
    """Write every Python block of the pages and every file of this folder, and return their number."""
    for page in PAGES:
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.S | re.M), 1):
            name = f"{page.stem}_{number}".replace("-", "_").lower()
            (folder / f"{name}.py").write_text(_comment(block) + block, "utf-8")
    for file in Path(__file__).parent.glob("[!_]*.py"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
    return len(list(folder.glob("*.py")))


def _comment(block: str) -> str:
    """Return the comment that turns off the rules for the untyped names in a block."""
    rules = sorted({rule for name, rules in UNTYPED.items() if re.search(name, block) for rule in rules})
    return f"# pyright: {', '.join(f'{rule}=false' for rule in rules)}\n" if rules else ""


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the command of each checker, after writing its configuration."""
    for checker, mode in (("pyright", "strict"), ("basedpyright", "standard")):
        text = json.dumps({**SHARED, "typeCheckingMode": mode, "include": ["*.py"]})
        (folder / f"{checker}.json").write_text(text, "utf-8")
    mypy = [
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--config-file=",
        f"--cache-dir={ROOT / '.mypy_cache' / 'typing'}",
        ".",
    ]
    return {
        "pyright strict": ["pyright", "-p", "pyright.json", "--pythonpath", sys.executable],
        "basedpyright standard": ["basedpyright", "-p", "basedpyright.json", "--pythonpath", sys.executable],
        "mypy strict": mypy,
    }


def main() -> int:
    """Run the checkers at the same time and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = copy_code(folder)
        started = {
            checker: subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                cwd=folder,
                env={"PATH": str(BIN), "HOME": name, "MYPYPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for checker, command in commands(folder).items()
        }
        failed = 0
        for checker, process in started.items():
            output, _ = process.communicate()
            failed |= process.returncode
            print(f"{checker}, {count} files:\n{output.strip().replace(f'{folder}/', '')}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
