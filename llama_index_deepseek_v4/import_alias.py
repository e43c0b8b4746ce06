"""Makes ``from llama_index.llms.deepseek_v4 import DeepSeekV4`` work, as for LlamaIndex's own integrations.

A folder ``llama_index`` in the wheel would do that too, but then ``find_spec("llama_index")`` would find a package in
an environment without LlamaIndex. So the wheel contains a copy of this file, which a ``.pth`` file imports when Python
starts: it appends a finder that is asked after all others, and creates these two modules only. It imports nothing else,
because it runs in every process. PYTEST_DONT_REWRITE: pytest would warn that it was imported before pytest.
"""

from __future__ import annotations

import sys

_NAME = "llama_index.llms.deepseek_v4"
_PARENT = "llama_index.llms"


class DeepSeekV4Finder:
    """Finds the module, and its parent if no installed integration has it."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        """Return the spec of one of the two modules; None for every other name."""
        if fullname not in (_NAME, _PARENT):
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(fullname, cls, is_package=fullname == _PARENT)  # type: ignore[arg-type]

    @classmethod
    def create_module(cls, spec):  # type: ignore[no-untyped-def]
        """Return None: Python creates the module."""

    @classmethod
    def exec_module(cls, module):  # type: ignore[no-untyped-def]
        """Copy the public names of ``llama_index_deepseek_v4``."""
        if module.__name__ == _NAME:
            from importlib import import_module

            package = import_module("llama_index_deepseek_v4")
            module.__doc__, module.__all__ = package.__doc__, package.__all__
            vars(module).update({name: getattr(package, name) for name in package.__all__})


if not any(getattr(finder, "__name__", "") == DeepSeekV4Finder.__name__ for finder in sys.meta_path):
    sys.meta_path.append(DeepSeekV4Finder)
