"""Deliberate differences between the local server and the recipe: one row for each, with its source and date."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.judge import Case, Kind, Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """A kind of request on which the server and the recipe differ.

    Args:
        request: The request.
        server: The server's verdict, and the beginning of its text.
        recipe: The recipe's verdict, and a part of its text.
        reason: Why the server keeps its verdict.
        source: The evidence for it.
        dated: The date of the source.
        protocols: The protocols that it applies to.
        passback: The server's setting that it applies to; all if omitted.
    """

    request: str
    server: tuple[Kind, str]
    recipe: tuple[Kind, str]
    reason: str
    source: str
    dated: str
    protocols: tuple[str, ...] = ("chat",)
    passback: str | None = None

    def fits(self, case: Case, server: Verdict, recipe: Verdict) -> bool:
        """True if this row is the difference between the two verdicts on a case."""
        (kind, text), (other_kind, other_text) = self.server, self.recipe
        return (
            case.protocol in self.protocols
            and self.passback in (None, case.passback)
            and (server.kind, recipe.kind) == (kind, other_kind)
            and server.text.startswith(text)
            and other_text in recipe.text
        )


ALL = ("chat", "responses", "messages")
API = "https://api-docs.deepseek.com/api/create-chat-completion"
NOT_IN_RECIPE = "The recipe leaves this to the service in front of it."

KNOWN = (
    Difference(
        "closed turns without reasoning, tools declared",
        server=("refused", "The `"),
        recipe=("accepted", ""),
        reason='passback="strict" is the wording of the documents: with tools, all past reasoning is passed back.',
        source="https://api-docs.deepseek.com/guides/thinking_mode",
        dated="2026-10-01",
        protocols=ALL,
        passback="strict",
    ),
    Difference(
        "thinking disabled with an effort",
        server=("refused", "thinking options type cannot be disabled"),
        recipe=("accepted", ""),
        reason="The service was seen to refuse it.",
        source="https://github.com/lobehub/lobehub/issues/14173",
        dated="2026-04-25",
        protocols=ALL,
    ),
    Difference(
        "response_format json_schema in chat",
        server=("refused", "This response_format type is unavailable now"),
        recipe=("accepted", ""),
        reason="The service was seen to refuse it.",
        source="https://github.com/llm-exe/llm-exe/issues/662",
        dated="2026-07-10",
    ),
    Difference(
        "user_id with other characters",
        server=("refused", "Invalid user_id value"),
        recipe=("accepted", ""),
        reason=NOT_IN_RECIPE,
        source=API,
        dated="2026-10-01",
        protocols=ALL,
    ),
    Difference(
        "a call id twice in one conversation",
        server=("refused", "Duplicate value for 'tool_call_id'"),
        recipe=("accepted", ""),
        reason="The service was seen to refuse it across turns; the recipe does so within one message.",
        source="https://github.com/craft-ai-agents/craft-agents-oss/issues/621",
        dated="2026-04-28",
        protocols=("chat", "messages"),
    ),
    Difference(
        "a last message of the assistant without prefix, or prefix off the beta host",
        server=("refused", "The last message of "),
        recipe=("accepted", ""),
        reason="The recipe has no beta host.",
        source="https://api-docs.deepseek.com/guides/chat_prefix_completion",
        dated="2026-10-01",
    ),
    Difference(
        "strict functions off the beta host",
        server=("accepted", ""),
        recipe=("refused", "strict"),
        reason="Recorded with status 200: off the beta host, strict is ignored. The recipe has no beta host.",
        source="https://github.com/pydantic/pydantic-ai, test_deepseek_deferred_capability_with_thinking",
        dated="2026-06-10",
    ),
    Difference(
        "an image in a system message",
        server=("refused", "Image input is only supported in user messages"),
        recipe=("accepted", ""),
        reason="The reference has text only in system messages.",
        source=API,
        dated="2026-10-01",
    ),
    Difference(
        "a custom tool on Messages",
        server=("malformed", "Failed to deserialize the JSON body into the target type: tools["),
        recipe=("refused", "server tools are not supported"),
        reason="The service was seen to answer 422 with the names of its search tools.",
        source="https://api-docs.deepseek.com/guides/anthropic_api",
        dated="2026-09-19",
        protocols=("messages",),
    ),
    Difference(
        "the service's own tools in chat",
        server=("accepted", ""),
        recipe=("malformed", "unknown variant `deepseek_"),
        reason=NOT_IN_RECIPE,
        source="https://api-docs.deepseek.com/guides/web_tools",
        dated="2026-11-13",
    ),
    Difference(
        "the service's own tools on Messages",
        server=("accepted", ""),
        recipe=("refused", "server tools are not supported"),
        reason=NOT_IN_RECIPE,
        source="https://api-docs.deepseek.com/guides/web_tools",
        dated="2026-11-13",
        protocols=("messages",),
    ),
    Difference(
        "the role latest_reminder on Messages",
        server=("accepted", ""),
        recipe=("malformed", "unknown variant `latest_reminder`"),
        reason="The recipe has it in chat only; the document of November has it on Messages as well.",
        source="https://api-docs.deepseek.com/guides/build_a_chatbot",
        dated="2026-11-13",
        protocols=("messages",),
    ),
    Difference(
        "an uploaded file by its id",
        server=("accepted", ""),
        recipe=("refused", "file_id is not supported"),
        reason="The recipe has no files.",
        source="https://api-docs.deepseek.com/guides/document_parsing",
        dated="2026-11-13",
        protocols=ALL,
    ),
    Difference(
        "a document as a file part",
        server=("accepted", ""),
        recipe=("refused", "You have uploaded an unsupported file"),
        reason="The recipe has image files only; the service reads documents since November.",
        source="https://api-docs.deepseek.com/news/news261113",
        dated="2026-11-13",
    ),
    Difference(
        "more tokens than the context holds",
        server=("refused", "This model's maximum context length is"),
        recipe=("accepted", ""),
        reason="The recipe checks this with the count of the encoded prompt, after parsing.",
        source="deepseek-recipe 0.2.0, ConversationRequest.resolve_max_tokens",
        dated="2026-11-29",
        protocols=ALL,
    ),
)


def known_difference(case: Case, server: Verdict, recipe: Verdict) -> Difference | None:
    """Return the row that explains two different verdicts; `None` if no row does."""
    return next((row for row in KNOWN if row.fits(case, server, recipe)), None)
