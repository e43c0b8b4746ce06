"""A script in its own process, which can import the helpers of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from deepseek_v4.transport import clients


def run_python(code, *arguments):
    root = Path(clients.__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}"},
    )
