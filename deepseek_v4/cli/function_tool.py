"""A Python function as a tool: its schema from its signature, its call from the arguments that the model wrote."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from deepseek_v4.values.messages import ToolSpec


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function that the model may call.

    Attributes:
        spec: What is sent to the model.
        adapter: Checks the arguments and calls the function.
    """

    spec: ToolSpec
    adapter: TypeAdapter[Any]

    @classmethod
    def load(cls, path: str) -> FunctionTool:
        """Import a function.

        Args:
            path: ``module:function``; modules of the current folder are found, too.

        Raises:
            ValueError: if it cannot be imported, or is not a function with types that JSON has.
        """
        module, _, name = path.partition(":")
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.insert(0, here)
        try:
            function = getattr(importlib.import_module(module), name)
            if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
                raise TypeError(f"it is of type {type(function).__name__}, or async")
            adapter: TypeAdapter[Any] = TypeAdapter(function)
            schema = adapter.json_schema()
        except Exception as error:  # also of the code of the module
            reason = str(error).partition("\n")[0]
            raise ValueError(f"--tool {path} cannot be used: {reason}. Use MODULE:FUNCTION, with types.") from None
        return cls(ToolSpec(name, inspect.getdoc(function) or "", schema), adapter)

    def call(self, arguments: str) -> str:
        """Call the function with arguments in JSON and return its result as text, or the error; it prints to stderr."""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                result = self.adapter.validate_json(arguments)
            return result if isinstance(result, str) else to_json(result).decode()
        except Exception as error:
            return f"Error: {type(error).__name__}: {error}"
