"""Find tool calls in the model's own markup that a server left in the visible text, and extract them. Pure.

The model writes calls as tags (``dsml_tags``); a server's parser turns them into values, but sometimes misses one
(https://github.com/deepseek-ai/DeepSeek-V3/issues/1244, https://github.com/vllm-project/vllm/issues/40801). The
structure decides: a call is an ``invoke`` of a tool of the request, with only parameters inside, neither in code nor
in quotes. Everything else is text and is returned unchanged.

A quotation outside of code cannot be distinguished from a call that was not parsed, so ``reply_builder`` takes calls
from here only with ``recover_tool_calls="parse"``, and reports them otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deepseek_v4.protocols.leaked_calls.dsml_calls import Block, LeakedCall
from deepseek_v4.protocols.leaked_calls.dsml_tags import Tag, begins_tag, find_candidate, is_marked
from deepseek_v4.protocols.leaked_calls.markdown import MarkdownState
from deepseek_v4.values.json import Json
from deepseek_v4.values.messages import ToolSpec


class Ending(NamedTuple):
    """The rest of a text that has ended.

    Attributes:
        text: Text that was held back.
        calls: All calls that were found.
        markup: The markup that contained them.
        withheld: Markup that contained no call and was not shown.
    """

    text: str
    calls: tuple[LeakedCall, ...]
    markup: str
    withheld: str


class MarkupScanner:
    """Reads the visible text chunk by chunk, holding back only what may be markup.

    Args:
        tools: The tools whose calls are searched for, by their names on the wire.
        visible: The list that collects the visible text. Text that can be shown is appended to it; it is read when a
            tag is found, to determine its position.
        stops_at_calls: True if only the text before the first call is returned.
    """

    def __init__(self, tools: Mapping[str, ToolSpec], visible: list[str], *, stops_at_calls: bool = False) -> None:
        self.holding: bool = False
        """True if text is held back. If not, a chunk without ``<`` need not be fed."""
        self._tools = tools
        self._visible = visible
        self._stops_at_calls = stops_at_calls
        self._found_after: int | None = None
        """Number of chunks of the visible text before the first markup with a call; None without one."""
        self._prose = MarkdownState()
        self._seen = 0
        """Number of chunks of the visible text that ``_prose`` has read."""
        self._tail = ""
        """A tag that is still incomplete."""
        self._block: Block | None = None
        """The current markup."""
        self._began = 0
        """Number of chunks of the visible text before it."""
        self._blocks: list[Block] = []
        """Markup that contained calls."""
        self._shown = False
        """True if a tag was returned as text, so that the text describes tags."""

    def feed(self, chunk: str) -> str:
        """Add a chunk of the text; return the text that can be shown, which is then also in ``visible``."""
        first = len(self._visible)
        if self.holding or "<" in chunk:
            self._scan(chunk)
        else:
            self._visible.append(chunk)
        return "".join(self._visible[first : self._found_after if self._stops_at_calls else None])

    def _scan(self, chunk: str) -> None:
        text = self._tail + chunk
        self._tail = ""
        done = 0
        at = find_candidate(text, 0)
        while at >= 0:
            tag = Tag.read(text, at)
            if tag is not None:
                self._read_text(text[done:at])
                self._read_tag(tag)
                done = at + len(tag.text)
            elif begins_tag(text, at):
                self._read_text(text[done:at])
                self._tail = text[at:]
                done = len(text)
            at = find_candidate(text, max(done, at + 1))
        self._read_text(text[done:])
        self.holding = bool(self._tail) or self._block is not None

    def before_calls(self) -> int:
        """Return the number of characters of the visible text before the first call, or of all of it."""
        return sum(map(len, self._visible[: self._found_after]))

    def report(self, *, cut: bool) -> Json | None:
        """Return the record of the calls that stay in the text if it ends here; None without one."""
        ending = self.end(cut=cut)
        if not (ending.calls or ending.withheld):
            return None
        return {"calls": 0, "found": len(ending.calls), "at": self.before_calls()}

    def end(self, *, cut: bool) -> Ending:
        """Return what remains if the text ends here; changes nothing.

        Args:
            cut: True if the text was truncated, so that its markup may be truncated too; a text that ends by itself in
                the middle of a line, with the beginning of a tag, describes the tag.
        """
        calls = [call for block in self._blocks for call in block.calls]
        markup = [block.markup() for block in self._blocks]
        tail, block = self._tail, self._block
        marked = is_marked(tail)
        if block is None:
            self._read_prose()
            talk = self._shown or self._prose.in_code() or self._prose.quotes()
            if marked and not talk and (cut or self._prose.at_line_start()):
                return Ending("", tuple(calls), "".join(markup), tail)
            return Ending(tail, tuple(calls), "".join(markup), "")
        sure = cut or block.at_line_start or block.tags + marked > 1
        unfinished = block.unfinished() if block.marked and (sure or block.counts) else None
        if unfinished is not None:
            return Ending("", (*calls, *block.calls, unfinished), "".join([*markup, block.markup(), tail]), "")
        if block.counts:
            # an incomplete tag after marked calls continues their markup
            text = "" if tail and block.marked else "".join(block.rest) + tail
            return Ending(text, (*calls, *block.calls), "".join([*markup, block.markup()]), "")
        source = block.markup() + tail
        if block.is_fragment and block.marked and sure and not self._shown:
            shell = source.rstrip()
            return Ending(source[len(shell) :], tuple(calls), "".join(markup), shell)
        return Ending(source, tuple(calls), "".join(markup), "")

    def _read_text(self, text: str) -> None:
        if not text:
            return
        if self._block is not None:
            if self._block.read_text(text):
                return
            self._leave()
        self._visible.append(text)

    def _read_tag(self, tag: Tag) -> None:
        if self._block is not None:
            if self._block.read_tag(tag):
                if self._block.closed:
                    self._leave()
                return
            self._leave()
        self._read_prose()
        line_start = self._prose.at_line_start()
        talk = self._prose.in_code() or (not tag.marked and (tag.closing or not line_start))
        block = Block(self._tools, real=not self._prose.quotes(), at_line_start=line_start, marked=tag.marked)
        if talk or not block.read_tag(tag):
            self._shown = self._shown or tag.marked
            self._visible.append(tag.text)
            return
        self._block = block
        self._began = len(self._visible)

    def _leave(self) -> None:
        block, self._block = self._block, None
        assert block is not None
        if block.counts:
            self._blocks.append(block)
            if self._found_after is None:
                self._found_after = self._began
            rest = "".join(block.rest)
        else:
            self._shown = self._shown or block.marked
            rest = block.markup()
        if rest:
            self._visible.append(rest)

    def _read_prose(self) -> None:
        for chunk in self._visible[self._seen :]:
            self._prose.read(chunk)
        self._seen = len(self._visible)
