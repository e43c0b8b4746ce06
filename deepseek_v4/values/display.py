"""Tables of values for terminals and notebooks: rich and HTML, from the same rows. rich is imported to print only."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

Rows = list[tuple[str, ...]]


class Displayed:
    """A value that ``rich.print`` and notebooks show as a table."""

    __slots__ = ()

    def _rows(self) -> Rows:
        """Return the cells; the first row is the header."""
        raise NotImplementedError

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        header, *rows = self._rows()
        table = Table()
        for cell in header:
            table.add_column(Text(cell), overflow="fold")  # a str would be read as markup
        for row in rows:
            table.add_row(*map(Text, row))
        return table

    def _repr_html_(self) -> str:
        header, *rows = self._rows()
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        start = '<td style="white-space: pre-wrap; text-align: left">'
        body = "".join(f"<tr>{''.join(f'{start}{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
