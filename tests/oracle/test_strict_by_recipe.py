"""Random pydantic classes and TypedDicts as strict tools: accepted by the recipe, or refused here first with a path."""

from __future__ import annotations

import datetime as dt
import enum
import json
import random
import re
import uuid
from collections import Counter
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

import pytest
from pydantic import BaseModel, Field, TypeAdapter, create_model
from typing_extensions import NotRequired, TypedDict

from deepseek_v4.errors import UnsupportedError
from deepseek_v4.protocols.schema import strict_subset
from tests.long_form import SLOW
from tests.oracle.judge import RECIPE, Case, Verdict, convert, encoding, recipe_verdict

pytestmark = pytest.mark.skipif(RECIPE is None, reason="deepseek-recipe has no wheel for this platform")

COUNT = 2_000 if SLOW else 200


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Circle(BaseModel):
    kind: Literal["circle"]
    radius: float = Field(gt=0)


class Square(BaseModel):
    kind: Literal["square"]
    side: int = 1


class Node(BaseModel):
    """A node of a tree."""

    name: str
    parent: Node | None = None
    children: list[Node] = []
    other: Node | Circle | str | None = Field(None, description="Anything.")


class Linked(TypedDict):
    value: int
    next: NotRequired[Linked | None]


LEAVES: tuple[Any, ...] = (
    *(
        str,
        int,
        float,
        bool,
        None,
        Decimal,
        dt.date,
        dt.datetime,
        uuid.UUID,
        Color,
        Circle,
        Square,
        Node,
        Linked,
        bytes,
    ),
    *(Literal["a", "b"], Literal[1, "x", None], Annotated[str, Field(pattern="^a+$", max_length=5)]),
    *(Annotated[int, Field(ge=1, multiple_of=2)], Annotated[Circle | Square, Field(discriminator="kind")]),
    *(dict[str, int], tuple[int, str], Any, set[int]),
)
NAMES = ("a", "b", "first_name", "größe", "type_", "items")


def random_type(rng: random.Random, depth: int = 3) -> Any:
    """Return a random annotation; types that strict mode cannot express are rare."""
    kind = rng.randrange(8) if depth else 0
    if kind < 3:
        return rng.choice(LEAVES if rng.random() < 0.25 else LEAVES[:-4])
    if kind == 3:
        return list[random_type(rng, depth - 1)]  # type: ignore[misc]
    if kind == 4:
        return Union[random_type(rng, depth - 1), None]  # noqa: UP007
    if kind == 5:
        return Union[random_type(rng, depth - 1), random_type(rng, depth - 1)]  # noqa: UP007
    return random_class(rng, depth - 1)


def random_class(rng: random.Random, depth: int) -> Any:
    """Return a pydantic class or a TypedDict with random fields."""
    fields = {name: random_type(rng, depth) for name in rng.sample(NAMES, rng.randint(1, 4))}
    name = f"Class{rng.randrange(10**6)}"
    if rng.random() < 0.4:
        optional = {key: NotRequired[kind] if rng.random() < 0.3 else kind for key, kind in fields.items()}
        return TypedDict(name, optional)  # type: ignore[operator]
    wanted: dict[str, Any] = {key: (kind, None if rng.random() < 0.3 else ...) for key, kind in fields.items()}
    return create_model(name, __doc__=rng.choice((None, "What it is.")), **wanted)


def verdict_on(schema: dict[str, Any]) -> Verdict:
    return recipe_verdict(case_of(schema))


def test_every_sent_schema_is_accepted() -> None:
    seen: Counter[str] = Counter()
    for seed in range(COUNT):
        schema = TypeAdapter(random_class(random.Random(seed), 3)).json_schema()
        try:
            strict = strict_subset(schema, "tool f")
        except UnsupportedError as error:
            assert error.message.startswith("tool f: parameters/"), (seed, error)  # noqa: PT017
            seen["refused"] += 1
            continue
        verdict = verdict_on(strict)
        assert verdict.kind == "accepted", (seed, verdict, schema)
        seen["accepted"] += 1
    assert min(seen["accepted"], seen["refused"]) > COUNT / 10, seen


class Tree(BaseModel):
    """A node with any number of children."""

    children: list[Tree]


def case_of(schema: dict[str, Any]) -> Case:
    function = {"name": "f", "strict": True, "parameters": schema}
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}]}
    return Case("chat", json.dumps({**body, "tools": [{"type": "function", "function": function}]}).encode())


def kept(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a schema that the recipe sends to the model."""
    prompt = encoding().render_conversation(convert(case_of(schema)).conversation).prompt
    found: dict[str, Any] = json.JSONDecoder().raw_decode(prompt, prompt.index('"parameters": ') + 14)[0]
    return found


@pytest.mark.parametrize("kind", [Node, Linked, Tree])
def test_recursive_types_are_kept_with_their_definitions(kind: Any) -> None:
    strict = strict_subset(TypeAdapter(kind).json_schema(), "tool f")
    assert verdict_on(strict).kind == "accepted"
    text = json.dumps(kept(strict))
    assert set(re.findall(r'"#/\$def/(\w+)"', text)) == set(kept(strict)["$def"])
    assert "$defs" not in text


def test_the_constraints_of_the_subset_are_kept() -> None:
    class Answer(BaseModel):
        code: Annotated[str, Field(pattern="^a+$")]
        mail: Annotated[str, Field(json_schema_extra={"format": "email"})]
        count: Annotated[int, Field(ge=1, le=9, multiple_of=2)]
        share: Annotated[float, Field(gt=0, lt=1)]
        four: Literal[4]

    strict = strict_subset(Answer.model_json_schema(), "tool f")
    assert (
        kept(strict)["properties"]
        == strict["properties"]
        == {
            "code": {"type": "string", "pattern": "^a+$"},
            "mail": {"type": "string", "format": "email"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2},
            "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "four": {"type": "integer", "const": 4},
        }
    )
