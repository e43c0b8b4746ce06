"""The types of schemas for typed answers, each with one answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic.v1
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import NotRequired, TypedDict

T = TypeVar("T")


class Person(BaseModel):
    """A person."""

    name: str = Field(description="In full")
    age: int


class Item(BaseModel):
    """What was bought."""

    what: str
    price: float


class Order(BaseModel):
    """An order."""

    buyer: Person
    items: list[Item]


class Page(BaseModel, Generic[T]):
    """One page of many."""

    number: int
    entries: list[T]


class Tree(BaseModel):
    """A tree."""

    label: str
    children: list[Tree] = Field(default_factory=list)


class Circle(BaseModel):
    """A circle."""

    kind: Literal["circle"]
    radius: float


class Square(BaseModel):
    """A square."""

    kind: Literal["square"]
    side: float


class Drawing(BaseModel):
    """A drawing."""

    shapes: list[Annotated[Circle | Square, Field(discriminator="kind")]]
    label: int | str


class Profile(BaseModel):
    """Much of it may be missing."""

    name: str
    nickname: str | None = None
    age: int | None = None
    tags: list[str] = Field(default_factory=list)


class Mood(enum.Enum):
    """How one feels."""

    GOOD = "good"
    BAD = "bad"


class Review(BaseModel):
    """A review."""

    mood: Mood
    stars: Literal[1, 2, 3]


class Meeting(BaseModel):
    """A meeting."""

    day: dt.date
    begins: dt.datetime
    room: uuid.UUID
    budget: decimal.Decimal


class Bounded(BaseModel):
    """Values within bounds."""

    code: str = Field(pattern="^[A-Z]{3}$", min_length=3, max_length=3)
    share: float = Field(ge=0, le=1)
    parts: list[int] = Field(min_length=1, max_length=3)


class Exact(BaseModel):
    """A class in strict mode."""

    model_config = ConfigDict(strict=True, extra="forbid")

    day: dt.date
    count: int


class Renamed(BaseModel):
    """Keys that are not Python names."""

    full_name: str = Field(alias="full-name")


class Free(BaseModel):
    """Keys that are not in the schema."""

    counts: dict[str, int]


class Pair(BaseModel):
    """A pair of different things."""

    pair: tuple[str, int]


class OldItem(pydantic.v1.BaseModel):
    """What was bought."""

    what: str


class OldOrder(pydantic.v1.BaseModel):
    """An order, in pydantic 1."""

    buyer: str
    items: list[OldItem]


@dataclasses.dataclass
class Point:
    """A point."""

    x: float
    y: float
    label: str | None = None


@dataclasses.dataclass
class Line:
    """A line."""

    points: list[Point]


class PersonDict(TypedDict):
    """A person."""

    name: str
    age: int


class TeamDict(TypedDict):
    """A team."""

    lead: PersonDict
    members: list[PersonDict]
    motto: NotRequired[str]


PERSON_SCHEMA: dict[str, Any] = {
    "title": "Person",
    "description": "A person.",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
UNTITLED_SCHEMA = {word: value for word, value in PERSON_SCHEMA.items() if word not in ("title", "description")}
TREE_SCHEMA: dict[str, Any] = {
    "title": "Tree",
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "required": ["root"],
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "label": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["label", "children"],
        }
    },
}
FUNCTION = {"name": "person", "description": "A person.", "parameters": UNTITLED_SCHEMA}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of schema, an answer in it as JSON, and the name of the function that takes it."""

    name: str
    schema: Any
    answer: dict[str, Any]
    function: str = ""

    @property
    def tool(self) -> str:
        return self.function or self.schema.__name__

    @property
    def cls(self) -> type | None:
        """The class an answer must be an instance of; None for a dict."""
        schema = self.schema
        return schema if isinstance(schema, type) and not hasattr(schema, "__total__") else None

    @property
    def in_llama_index(self) -> bool:
        return isinstance(self.schema, type) and issubclass(self.schema, BaseModel)


ADA = {"name": "Ada", "age": 36}
TREE = {"label": "a", "children": [{"label": "b", "children": []}]}
KINDS = (
    Kind("pydantic", Person, ADA),
    Kind("nested", Order, {"buyer": ADA, "items": [{"what": "chair", "price": 4.5}]}),
    Kind("generic", Page[Item], {"number": 1, "entries": [{"what": "chair", "price": 4.5}]}),
    Kind("recursive", Tree, TREE),
    Kind("union", Drawing, {"shapes": [{"kind": "circle", "radius": 1.5}], "label": "x"}),
    Kind("optional", Profile, {"name": "Ada", "nickname": None, "age": None, "tags": []}),
    Kind("enum, literal", Review, {"mood": "good", "stars": 3}),
    Kind(
        "dates, uuid, decimal",
        Meeting,
        {
            "day": "2026-11-22",
            "begins": "2026-11-22T10:00:00",
            "room": "12345678-1234-5678-1234-567812345678",
            "budget": "12.50",
        },
    ),
    Kind("bounds, pattern", Bounded, {"code": "ABC", "share": 0.5, "parts": [1, 2]}),
    Kind("strict class", Exact, {"day": "2026-11-22", "count": 2}),
    Kind("aliases", Renamed, {"full-name": "Ada Lovelace"}),
    Kind("free keys", Free, {"counts": {"a": 1, "b": 2}}),
    Kind("tuple", Pair, {"pair": ["a", 1]}),
    Kind("pydantic 1", OldOrder, {"buyer": "Ada", "items": [{"what": "chair"}]}),
    Kind("dataclass", Line, {"points": [{"x": 1.0, "y": 2.0, "label": None}]}),
    Kind("TypedDict", PersonDict, ADA),
    Kind("TypedDict, nested", TeamDict, {"lead": ADA, "members": [ADA]}),
    Kind("JSON Schema", PERSON_SCHEMA, ADA, "Person"),
    Kind("JSON Schema, untitled", UNTITLED_SCHEMA, ADA, "answer"),
    Kind("JSON Schema, recursive", TREE_SCHEMA, {"root": TREE}, "Tree"),
    Kind("OpenAI function", FUNCTION, ADA, "person"),
)


def as_json(answer: Any) -> Any:
    """A typed answer as the JSON it was made from."""
    if isinstance(answer, BaseModel):
        return answer.model_dump(mode="json", by_alias=True)
    if isinstance(answer, pydantic.v1.BaseModel):
        return json.loads(answer.json())
    return dataclasses.asdict(answer) if dataclasses.is_dataclass(answer) else answer  # type: ignore[arg-type]
