"""One request on its way through the server, and the base of the dialects that answer it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.ids import Stamp
from deepseek_v4.testing.memory import Memory, next_in
from deepseek_v4.testing.model.answer import Answer
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.outcome import JSON, Outcome, Rejection, dumps
from deepseek_v4.testing.reading.chat import ChatCall
from deepseek_v4.testing.request_log import ReceivedRequest
from deepseek_v4.testing.script import Turn
from deepseek_v4.testing.writing.chat import ChatShapes
from deepseek_v4.testing.writing.messages import MessagesShapes
from deepseek_v4.testing.writing.responses import ResponsesShapes


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with all data for its answer."""

    received: ReceivedRequest
    dialect: Dialect
    options: ServerOptions
    memory: Memory
    stamp: Stamp
    key: str = ""
    fault: Fault | None = None
    beta: bool = False
    protocol: str = "chat"
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def body(self) -> Any:
        """The parsed body."""
        return self.received.body

    def next_turn(self, improvised: Callable[[], Turn]) -> Turn:
        """Return the queued answer, else an improvised one, as the fault changes it."""
        fault = self.fault
        turn = next_in(self.memory.turns, keep=fault is not None and fault.keeps_turn) or improvised()
        return turn if fault is None or fault.change_turn is None else fault.change_turn(turn)

    def refusal(self, status: int, message: str | None = None) -> Outcome:
        """Return an error response, in the provider's own words unless a message is given."""
        rejection = self.dialect.status_refusal(status)
        rejection.message = message or rejection.message
        return self.dialect.refuse(rejection, self.protocol)

    def error_object(self, status: int) -> dict[str, Any]:
        """Return the error object of such a response."""
        return self.dialect.error_object(self.dialect.status_refusal(status), self.protocol)


Endpoint = Callable[[Exchange], Outcome]


@dataclass(frozen=True, slots=True)
class EndpointRoute:
    """A method and a path, and their endpoint."""

    method: str
    path: str
    endpoint: Endpoint
    beta: bool = False
    protocol: str = "chat"  # or "responses", "messages": the form of errors and streams


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A served model: the JSON of its catalogue entry, and the properties that requests are checked against."""

    id: str
    entry: Mapping[str, Any]
    sees_images: bool = False
    listed: bool = True


class Dialect(ChatShapes, ABC):
    """A provider that the server imitates."""

    name: str
    root = ""
    routes: tuple[EndpointRoute, ...]
    models: tuple[ServedModel, ...]
    context_length: int
    keep_alive_comment = b": keep-alive\n\n"
    blank_line = b"\n"
    thinking_default = True
    key_needed = True
    # the text and the code of the refusal of a missing key, and of a wrong one: `{}` is its end
    key_errors: tuple[tuple[str, str], tuple[str, str]]
    x_api_key_paths = "/messages"  # the end of the paths on which the key may be in Anthropic's header
    octet_errors = False  # True if errors keep the content type of the rejection; else they are JSON
    unknown_model = ("The model '{}' does not exist", 404, "invalid_request_error")  # text, status, code
    status_words: Mapping[int, tuple[str, str, str]] = {}
    responses: ResponsesShapes = ResponsesShapes()
    messages: MessagesShapes = MessagesShapes()

    def shapes(self, protocol: str) -> ChatShapes | ResponsesShapes | MessagesShapes:
        """Return the encoder of a protocol."""
        if protocol == "responses":
            return self.responses
        return self.messages if protocol == "messages" else self

    def read(self, exchange: Exchange) -> ChatCall:
        """Check a request of any protocol, and return it as a call; a `Rejection` is a refusal."""
        readers = {"responses": self.read_responses, "messages": self.read_messages}
        return readers.get(exchange.protocol, self.read_chat)(exchange)

    @abstractmethod
    def read_chat(self, exchange: Exchange) -> ChatCall:
        """Check a chat request in the provider's order."""

    def read_responses(self, exchange: Exchange) -> ChatCall:
        """Check a Responses request; its items become messages."""
        raise NotImplementedError

    def read_messages(self, exchange: Exchange) -> ChatCall:
        """Check a request in Anthropic's form."""
        raise NotImplementedError

    def remember(self, answer: Answer, exchange: Exchange) -> None:
        """Store the data of an answer that later requests are checked against; nothing by default."""

    def key_in(self, headers: Mapping[str, str], path: str) -> str | None:
        """Return the key of a request."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            return key.strip()
        return (headers.get("x-api-key") or None) if path.endswith(self.x_api_key_paths) else None

    def refuse_key(self, key: str | None) -> Rejection:
        """Return the refusal of a wrong or missing key."""
        text, code = self.key_errors[key is not None]
        return Rejection(text.format((key or "")[-4:]), 401, "authentication_error", code, JSON)

    def response_headers(self, stamp: Stamp) -> dict[str, str]:
        """Return headers on every response."""
        return {"x-trace-id": stamp.hex("trace")}

    def error_object(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the error itself."""
        return {"message": rejection.message, "type": rejection.type, "param": None, "code": rejection.code}

    def error(self, rejection: Rejection, protocol: str) -> dict[str, Any]:
        """Return the body of a refusal."""
        return {"error": self.error_object(rejection, protocol)}

    def status_refusal(self, status: int) -> Rejection:
        """Return the provider's own refusal for a status."""
        text, kind, code = self.status_words.get(status, ("Request failed", "invalid_request_error", "error"))
        return Rejection(text, status, kind, code)

    def refuse(self, rejection: Rejection, protocol: str = "chat") -> Outcome:
        """Return a refusal as a response."""
        content_type = rejection.content_type if self.octet_errors else JSON
        body = dumps(self.error(rejection, protocol))
        return Outcome((body,), rejection.status, content_type, dict(rejection.headers))

    def thinks_by_default(self, exchange: Exchange) -> bool:
        """Return True if a request without a thinking option thinks."""
        default = exchange.options.thinking_default
        return self.thinking_default if default is None else default

    def check_model(self, name: str, exchange: Exchange) -> ServedModel:
        """Return the model of a request."""
        model = self.model_named(name)
        if model is not None:
            return model
        if name in exchange.options.extra_models:
            return ServedModel(name, {}, sees_images=True, listed=False)
        text, status, code = self.unknown_model
        raise Rejection(text.format(name), status, code=code)

    def model_named(self, name: str) -> ServedModel | None:
        """Return a model by its id."""
        return next((model for model in self.models if model.id == name), None)
