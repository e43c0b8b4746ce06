"""Typed answers: JSON is parsed, validated as a class and serialized, and retried if it is invalid."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from deepseek_v4.errors import DeepSeekError
from deepseek_v4.protocols.schema.references import References
from deepseek_v4.recovery.attempts import Attempts, FailedAttempt, Retry, RetryPolicy
from deepseek_v4.values import json
from deepseek_v4.values.reply import ASKED_AGAIN, Attempt, Usage

Request = TypeVar("Request")
Item = TypeVar("Item")
Answer = TypeVar("Answer")

_OPENED = re.compile(r"(?:^|\n)[ \t]*```[\w+-]*")
"""The opening line of a code fence, with its language."""


def parse_answer_json(text: str) -> Any:
    """Parse the JSON value of an answer. It may be in a code fence, with text around it, if there is only one.

    Raises:
        ValueError: if the text contains none.
    """
    bare = text.strip()
    if bare[:1] not in ("{", "["):
        opened = _OPENED.search(bare)
        if opened is not None:
            bare = bare[opened.end() :].rsplit("```", 1)[0]
    return json.loads_exactly(bare)


def schema_name(title: str) -> str:
    """Return a name for a schema that providers accept, also for classes such as ``Box[int]``."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", title)[:64] or "answer"


def with_own_root(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose root is not a bare reference, as it is for a class that contains itself."""
    for key in ("$defs", "definitions"):
        root = schema.get(key, {}).get(str(schema.get("$ref", "")).removeprefix(f"#/{key}/"))
        if root is not None:
            return {**{k: v for k, v in schema.items() if k != "$ref"}, **root}
    return schema


def contains_itself(schema: Mapping[str, Any]) -> bool:
    """Return True if a definition of a schema refers to itself, directly or through others."""
    references = References(schema)
    return any(references.recurs((key, name)) for key in ("$defs", "definitions") for name in schema.get(key, ()))


def write_json(output: BaseModel) -> str:
    """Serialize a typed answer to compact JSON."""
    try:
        return output.model_dump_json()
    except PydanticSerializationError:  # half of a surrogate pair, which models sometimes write: JSON can escape it
        return json.dumps(output.model_dump(mode="json")).decode()


def validate_as(cls: Any, value: Any, *, complete: bool = True) -> Any:
    """Validate a JSON value as an instance of a pydantic class or a dataclass.

    Args:
        cls: The class.
        value: The JSON value.
        complete: False for the partial value of a stream.

    Raises:
        pydantic.ValidationError: if it is invalid.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(cls)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        if not complete:
            raise
        try:  # a class in strict mode accepts a date in JSON, where it is text, but not as a str
            return adapter.validate_json(json.dumps(value))
        except ValidationError:
            raise error from None


class InvalidAnswer(ValueError):
    """An invalid answer.

    Args:
        problem: What is wrong with it.
        body: Its text or value.
        advice: What the user can do; appended to the problem in the error message.
    """

    def __init__(self, problem: str, body: Any, advice: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.body = body
        self.advice = advice


class TypedAnswerPolicy(RetryPolicy[Request, Item, Answer]):
    """Shows the model its answer and why it is not of the class.

    Args:
        retries: How often, at most.
        problem: Returns why an answer is invalid; None if it is valid, or if a retry cannot help.
        follow_up: Creates the request with an answer and its problem.
        ends: Returns True if a streamed item ends the answer; it is held back until the answer has been judged.
    """

    sees_items = True

    def __init__(
        self,
        retries: int,
        problem: Callable[[Answer], str | None],
        follow_up: Callable[[Request, Answer, str], Request],
        ends: Callable[[Item], bool] = lambda item: False,
    ) -> None:
        self._retries = retries
        self._problem = problem
        self._follow_up = follow_up
        self._ends = ends
        self._ended = False

    def holds(self, item: Item) -> bool:
        """Hold back the end of the answer, and what follows it."""
        self._ended = self._ended or self._ends(item)
        return self._ended

    def judge(
        self, attempts: Attempts[Request, Item, Answer], outcome: Answer | DeepSeekError
    ) -> Retry[Request, Item, Answer] | None:
        """Return the request with the answer and its problem."""
        self._ended = False
        assert isinstance(attempts, TypedAttempts)
        if isinstance(outcome, DeepSeekError) or attempts.count_asked(outcome) >= self._retries:
            return None
        problem = self._problem(outcome)
        if problem is None or not attempts.may_retry():
            return None
        return Retry(self._follow_up(attempts.request, outcome, problem), "invalid", problem)


class TypedAttempts(Attempts[Request, Item, Answer]):
    """The attempts at one typed answer. Each is a call, which may have made several attempts itself."""

    @abstractmethod
    def facts(self, answer: Answer) -> tuple[Mapping[str, Any], Usage | None, float | None]:
        """Return an answer's metadata, with ``attempts``; its usage; its cost in US dollars."""

    def note(self, failed: FailedAttempt[Answer]) -> Attempt:
        """Describe the last request of a call, without the tokens and cost of the call's earlier attempts."""
        if isinstance(failed.outcome, DeepSeekError):
            return failed.describe()
        metadata, usage, cost = self.facts(failed.outcome)
        if usage is None:
            return failed.describe()
        counted = [attempt for attempt in attempts_of(metadata) if attempt.usage is not None]
        own = Usage(
            usage.input_tokens - sum(attempt.usage.input_tokens for attempt in counted if attempt.usage),
            usage.output_tokens - sum(attempt.usage.output_tokens for attempt in counted if attempt.usage),
        )
        if cost is not None and counted:
            costs = [attempt.cost for attempt in counted if attempt.cost is not None]
            cost = cost - sum(costs) if len(costs) == len(counted) else None
        return failed.describe(own, cost)

    def notes(self, failed: Sequence[FailedAttempt[Answer]]) -> tuple[Attempt, ...]:
        """Describe the attempts of each call, followed by the call itself."""
        notes: list[Attempt] = []
        for one in failed:
            if not isinstance(one.outcome, DeepSeekError):
                notes += attempts_of(self.facts(one.outcome)[0])
            notes.append(self.note(one))
        return tuple(notes)

    def count_asked(self, answer: Answer) -> int:
        """Count the requests with a new prompt, up to the one that returned an answer."""
        return sum(note["reason"] in ASKED_AGAIN for note in self._all_notes(self.failed, answer))

    def attempts_metadata(self, failed: Sequence[FailedAttempt[Answer]], answer: Answer) -> dict[str, Any]:
        """Describe the attempts of all calls before the last request, as JSON values, for an answer's metadata."""
        notes = self._all_notes(failed, answer)
        exhausted: dict[str, Any] = {"attempts_exhausted": True} if self.exhausted else {}
        return {"attempts": notes, **exhausted} if notes else exhausted

    def _all_notes(self, failed: Sequence[FailedAttempt[Answer]], answer: Answer) -> list[dict[str, Any]]:
        return [note.to_dict() for note in (*self.notes(failed), *attempts_of(self.facts(answer)[0]))]


def attempts_of(metadata: Mapping[str, Any]) -> tuple[Attempt, ...]:
    """Return the attempts in a message's metadata."""
    return tuple(map(Attempt.from_dict, metadata.get("attempts") or ()))


def first_problem(metadata: Mapping[str, Any]) -> str | None:
    """Return why the first answer was invalid, from a message's metadata; None if there was only one."""
    attempts: Sequence[Mapping[str, Any]] = metadata.get("attempts") or ()
    return next((attempt["detail"] for attempt in attempts if attempt["reason"] == "invalid"), None)


def was_asked_again(metadata: Mapping[str, Any]) -> bool:
    """Return True if a message is the result of a retry that contained the first answer."""
    attempts: Sequence[Mapping[str, Any]] | None = metadata.get("attempts")
    return attempts is not None and any(attempt["reason"] in ASKED_AGAIN for attempt in attempts)
