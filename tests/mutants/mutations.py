"""The ways in which one line is broken. Works on the syntax tree, and replaces text within one line of the source.

Only code inside functions is broken: outside them are tables of facts. Left out are docstrings,
annotations, assertions, and the texts of errors, notes and warnings.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_FLIPS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_FOR_USERS = frozenset(
    {"Note", "warn", "info", "debug", "warning", "refuse", "InvalidRequestError", "UnsupportedError"}
)
"""Calls whose arguments are texts for users."""


@dataclass(frozen=True)
class Mutant:
    """One broken line: the file, the line's number from 1, the original line and the broken one."""

    path: str
    line: int
    before: str
    after: str

    @property
    def key(self) -> str:
        """Return a key that does not depend on the file."""
        return f"{self.before.strip()}  ->  {self.after.strip()}"

    def applied(self, source: str) -> str:
        """Return the source with the broken line."""
        lines = source.splitlines(keepends=True)
        lines[self.line - 1] = self.after + "\n"
        return "".join(lines)


def mutants(path: str, source: str) -> list[Mutant]:
    """Return all mutants of a module that are valid Python, each once."""
    lines = source.splitlines()
    found: dict[tuple[int, str], Mutant] = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for broken, text in _broken(node.body):
            row = broken.lineno - 1
            data = lines[row].encode()
            after = (data[: broken.col_offset] + text.encode() + data[broken.end_col_offset :]).decode()
            one = Mutant(path, broken.lineno, lines[row], after)
            if after != lines[row] and (one.line, after) not in found and _is_python(one.applied(source)):
                found[one.line, after] = one
    return list(found.values())


def _is_python(source: str) -> bool:
    try:
        compile(source, "<mutant>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _broken(body: list[ast.stmt]) -> Iterator[tuple[ast.AST, str]]:
    """Yield nodes on one line, and the text that replaces them."""
    for statement in body:
        for node in _code(statement):
            if getattr(node, "lineno", None) == getattr(node, "end_lineno", 0):
                for text in _texts(node):
                    yield node, text


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and its children, without those left out."""
    if isinstance(node, (ast.Assert, ast.FunctionDef, ast.AsyncFunctionDef, ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call) and _name(node.func) in _FOR_USERS:
        return
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return
    yield node
    children = [node.value] if isinstance(node, ast.AnnAssign) else ast.iter_child_nodes(node)
    for child in children:
        if child is not None:
            yield from _code(child)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _put(node.left), _put(node.comparators[0])
        yield f"({left} {_FLIPS[type(node.ops[0])]} {right})"
    elif isinstance(node, ast.BoolOp):
        word = " or " if isinstance(node.op, ast.And) else " and "
        yield "(" + word.join(_put(value) for value in node.values) + ")"
        for left_out in range(len(node.values)):
            rest = [value for place, value in enumerate(node.values) if place != left_out]
            old = " and " if isinstance(node.op, ast.And) else " or "
            yield "(" + old.join(_put(value) for value in rest) + ")"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"bool({ast.unparse(node.operand)})"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        sign = "-" if isinstance(node.op, ast.Add) else "+"
        yield f"({_put(node.left)} {sign} {_put(node.right)})"
    elif isinstance(node, ast.IfExp):
        yield f"({_put(node.orelse)} if {_put(node.test)} else {_put(node.body)})"
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return None"
    elif isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign)):
        yield "pass"
    elif isinstance(node, ast.Break):
        yield "continue"
    elif isinstance(node, ast.Continue):
        yield "break"


def _constants(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, (int, float)):
        yield repr(value + 1)
    elif isinstance(value, str) and " " not in value:  # with spaces it is a text for users
        yield repr(value + "X")


def _put(node: ast.expr) -> str:
    return f"({ast.unparse(node)})" if isinstance(node, (ast.BoolOp, ast.IfExp, ast.NamedExpr)) else ast.unparse(node)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
