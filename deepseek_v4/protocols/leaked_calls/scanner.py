"""Tool calls in the model's own markup that a server left in the visible text: found, and taken out as calls. Pure.

The model writes calls as tags (``dsml``); a server's parser turns them into values, and now and then it does not
(https://github.com/deepseek-ai/DeepSeek-V3/issues/1244, https://github.com/vllm-project/vllm/issues/40801). What
decides is the structure: a call is an ``invoke`` of a tool that was offered, with nothing inside but parameters,
standing neither in code nor in quotes. All else is text, and comes out as it came in.

A quotation outside of code cannot be distinguished from a call that was not parsed, so ``reply_builder`` takes calls
from here only with ``recover_tool_calls="parse"``, and reports them otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deepseek_v4.protocols.leaked_calls.dsml import Block, LeakedCall, Tag, begins_tag, find_candidate, is_marked
from deepseek_v4.protocols.leaked_calls.markdown import MarkdownState
from deepseek_v4.values.messages import ToolSpec

__all__ = ["Ending", "MarkupScanner"]


class Ending(NamedTuple):
    """What is left when the text has ended.

    Attributes:
        text: Was held back, and is text.
        calls: All calls that were found.
        markup: The markup they stood in.
        withheld: Markup that held no call, and was not shown.
    """

    text: str
    calls: tuple[LeakedCall, ...]
    markup: str
    withheld: str


class MarkupScanner:
    """Reads the visible text as it comes, holding back only what may be markup.

    Args:
        tools: The tools whose calls are looked for, by the name the model knows them by.
        visible: The list the visible text is collected in. What can be shown is added to it; it is read where a tag
            is found, to see where that stands.
    """

    __slots__ = (
        "_began",
        "_block",
        "_blocks",
        "_prose",
        "_seen",
        "_shown",
        "_tail",
        "_tools",
        "_visible",
        "found_after",
        "holding",
    )

    def __init__(self, tools: Mapping[str, ToolSpec], visible: list[str]) -> None:
        self.holding = False
        """Whether text is held back. When not, a piece without ``<`` need not be fed."""
        self.found_after: int | None = None
        """How many pieces of the visible text come before the first markup that held a call; None without one."""
        self._tools = tools
        self._visible = visible
        self._prose = MarkdownState()
        self._seen = 0
        """How many pieces of the visible text ``_prose`` has read."""
        self._tail = ""
        """A tag that has begun and may go on."""
        self._block: Block | None = None
        """The markup we are in."""
        self._began = 0
        """How many pieces of the visible text stand before it."""
        self._blocks: list[Block] = []
        """Markup that held calls."""
        self._shown = False
        """Whether a tag was given out as text, so that this text talks about tags."""

    def feed(self, piece: str) -> str:
        """Take the next piece of the text; return what of the text can be shown, which is also in ``visible`` then."""
        first = len(self._visible)
        text = self._tail + piece
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
        return "".join(self._visible[first:])

    def end(self, *, cut: bool) -> Ending:
        """What is left, if the text ends here; nothing is changed.

        Args:
            cut: Whether it was broken off, so that markup may have been as well; a text that ends by itself in the
                middle of a line, with the beginning of a tag, talks about it.
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
            # a tag that has begun behind marked calls goes on with their markup
            text = "" if tail and block.marked else "".join(block.rest) + tail
            return Ending(text, (*calls, *block.calls), "".join([*markup, block.markup()]), "")
        whole = block.markup() + tail
        if block.is_fragment and block.marked and sure and not self._shown:
            shell = whole.rstrip()
            return Ending(whole[len(shell) :], tuple(calls), "".join(markup), shell)
        return Ending(whole, tuple(calls), "".join(markup), "")

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
            if self.found_after is None:
                self.found_after = self._began
            rest = "".join(block.rest)
        else:
            self._shown = self._shown or block.marked
            rest = block.markup()
        if rest:
            self._visible.append(rest)

    def _read_prose(self) -> None:
        for piece in self._visible[self._seen :]:
            self._prose.read(piece)
        self._seen = len(self._visible)
