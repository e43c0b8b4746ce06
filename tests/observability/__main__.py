"""Draw ``docs/spans.svg`` from the spans of one agent turn: ``python -m tests.observability``.

The turn is run against the local server, with real waits: OpenInference's spans and those of the core, kept in memory.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from openinference.instrumentation.langchain import LangChainInstrumentor

from deepseek_v4.observe import instrument
from deepseek_v4.testing import LocalServer
from tests.observability.agent_turn import AgentTurn, next_requests
from tests.observability.watching import KEY, Spans

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "spans.svg"

WIDTH, LEFT, RIGHT, ROW, BAR, LINE = 1080, 250, 830, 30, 14, 16
STYLE = """
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #59636e }
.name { font-weight: 600; font-size: 14px; fill: #1f2328 }
.label { fill: #1f2328 }
.page { fill: #ffffff }
.other { fill: #d1d9e0 }
.model { fill: #54aeff }
.request { fill: #4d6bfe }
.mark { fill: #d4a72c }
line { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 } .name, .label { fill: #f0f6fc } .page { fill: #0d1117 } .other { fill: #3d444d }
  .model { fill: #1f6feb } line { stroke: #3d444d }
}
"""


class Run(NamedTuple):
    """The spans of one turn, of both tracers, in the order in which they began; times are nanoseconds."""

    others: list[Any]
    own: list[Any]

    @property
    def begin(self) -> int:
        """The beginning of the first span."""
        return min(span.start_time for span in (*self.others, *self.own))

    @property
    def end(self) -> int:
        """The end of the last span."""
        return max(span.end_time for span in (*self.others, *self.own))

    def x(self, at: int) -> float:
        """The place of a time in the picture."""
        return LEFT + (at - self.begin) / (self.end - self.begin) * (RIGHT - LEFT)


def run() -> Run:
    """Run the turn."""
    others, own = Spans(), Spans()
    instrumentor = LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=others.provider)
    instrument(tracer_provider=own.provider)
    with LocalServer(api_key=KEY, latency=0.2, chunk_delay=0.05) as server:
        AgentTurn(server).langchain()
    instrumentor.uninstrument()
    return Run(*(sorted(spans.finished(), key=lambda span: span.start_time) for spans in (others, own)))


def depth(span: Any, spans: list[Any]) -> int:
    """Return how many spans a span is in."""
    parents = {one.context.span_id: one for one in spans}
    parent = span.parent and parents.get(span.parent.span_id)
    return 0 if parent is None else 1 + depth(parent, spans)


def text(x: float, y: float, content: str, kind: str = "") -> str:
    """Return a line of text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{escape(content)}</text>'


def bar(drawn: Run, y: float, begin: int, end: int, kind: str) -> str:
    """Return a bar from one time to another."""
    x = drawn.x(begin)
    width = max(drawn.x(end) - x, 2)
    return f'<rect x="{x:.1f}" y="{y:.0f}" width="{width:.1f}" height="{BAR}" class="{kind}" rx="2"/>'


def tokens(input_tokens: int, output_tokens: int) -> str:
    """Return the tokens of a span."""
    return f"{input_tokens:,} tokens in, {output_tokens:,} out"


def of_others(drawn: Run, y: float) -> list[str]:
    """Draw OpenInference's spans: a bar for each, and the tokens of the model's."""
    parts = []
    for span in drawn.others:
        seen, indent = dict(span.attributes), 14 * depth(span, drawn.others)
        kind = "model" if seen["openinference.span.kind"] == "LLM" else "other"
        parts.append(text(20 + indent, y + 11, span.name, "label"))
        parts.append(bar(drawn, y, span.start_time, span.end_time, kind))
        if kind == "model":
            counts = tokens(seen["llm.token_count.prompt"], seen["llm.token_count.completion"])
            parts.append(text(RIGHT + 12, y + 11, counts))
        y += ROW
    return parts


def of_the_core(drawn: Run, y: float) -> list[str]:
    """Draw the spans of the core: a mark and its reason where a further request begins, tokens and cost."""
    parts = []
    for span in drawn.own:
        seen = dict(span.attributes)
        parts.append(text(20, y + 11, f"{span.name} · CLIENT", "label"))
        parts.append(bar(drawn, y, span.start_time, span.end_time, "request"))
        counts = tokens(seen["gen_ai.usage.input_tokens"], seen["gen_ai.usage.output_tokens"])
        parts.append(text(RIGHT + 12, y + 11, f"{counts}, ${seen['operation.cost']:.6f}"))
        for place, event in enumerate(next_requests(span)):
            x = drawn.x(event.timestamp)
            parts.append(f'<circle cx="{x:.1f}" cy="{y + BAR / 2:.0f}" r="5" class="mark"/>')
            status = event.attributes.get("http.response.status_code")
            parts.append(text(x - 4, y + BAR + 15 + LINE * place, f"after {status}: {event.attributes['reason']}"))
        y += ROW + LINE * len(next_requests(span))
    return parts


def draw(drawn: Run) -> str:
    """Return the picture."""
    first = 66
    second = first + ROW * len(drawn.others) + 46
    height = second + ROW * len(drawn.own) + LINE * sum(len(next_requests(span)) for span in drawn.own) + 30
    seconds = (drawn.end - drawn.begin) / 1e9
    axis = [drawn.x(drawn.begin + int(at * 1e9)) for at in range(int(seconds) + 1)]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>The spans of one agent turn</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" class="page"/>',
            *(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{height - 30}"/>' for x in axis),
            *(text(x - 6, height - 12, f"{at} s") for at, x in enumerate(axis)),
            text(20, first - 26, "OpenInference, LangChain", "name"),
            *of_others(drawn, first - 8),
            text(20, second - 26, "The core: a mark is the event of a further request", "name"),
            *of_the_core(drawn, second - 8),
            "</svg>\n",
        )
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(run()), encoding="utf-8")
    print(PICTURE)
