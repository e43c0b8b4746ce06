"""The local server of a test: real sockets, scripted answers, faults on request, a log of the requests."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable
from typing import Any

from deepseek_v4.testing.dialects import dialect_named
from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.memory import Memory
from deepseek_v4.testing.options import OFF_PEAK, Passback, ServerOptions, UsageChunk
from deepseek_v4.testing.request_log import ReceivedRequest, SeenKey
from deepseek_v4.testing.script import Turn

try:
    from deepseek_v4.testing.http.application import Application
    from deepseek_v4.testing.http.connections import ServerThread, Traffic
    from deepseek_v4.testing.http.counts import PATH
except ModuleNotFoundError as error:
    package = str(error.name).partition(".")[0]
    if package == "deepseek_v4":
        raise
    text = f"The local server needs {package}. Run: pip install 'deepseek-v4[testing]'"
    raise ModuleNotFoundError(text, name=package) from None

DEFAULT_KEY = "sk-local-server"


class LocalServer:
    """A server on 127.0.0.1 with a provider's API and scripted answers.

    ```python
    with LocalServer(chunk_delay=0.01) as server:
        server.script(Turn(text="Hello", reasoning="A greeting."))
        server.fault(Fault.status(503))
        # the first request gets 503, the second the turn, the third an improvised answer
    ```

    Args:
        provider: The imitated provider: `deepseek`, `openrouter`, `empiriolabs`, `vllm` or `sglang`.
        api_key: The accepted key; any other gets 401.
        extra_keys: Additional accepted keys.
        passback: Which past reasoning is required in thinking mode. `lenient`: since the last user message, with tools
            declared every assistant message needs `reasoning_content`, else each with calls, as in DeepSeek's own
            parser. `strict`: also all earlier ones if tools are declared, as in DeepSeek's documentation. `off`: none.
            The other protocols and providers have their own rules, described by their dialects.
        keep_alives: Comments before the first event of a stream, blank lines before an unstreamed body.
        keep_alive_interval: Seconds between them, and between those sent while the server waits for events.
        fragment: Bytes per fragment of a body; a `random.Random`, or a seed (str) for one, for random lengths.
        chunk_delay: Seconds between the events of a stream.
        burst: Write events without delay together; otherwise one by one.
        content_null: Send `content: null` rather than `""` with the tool calls of an unstreamed answer.
        usage_chunk: The chunk of a stream with the usage. `with_finish`: the chunk with the finish reason. `separate`:
            a separate one without choices. `repeated_finish`, `null_finish`: a separate one whose choice repeats
            the finish reason, or has none. As the provider does if omitted.
        pings: Send `ping` events in the streams of the Messages protocol.
        thinking_default: True if requests without a thinking option think; the provider's default if omitted.
        type_error_status: Status of type errors: 422, or 400 as in August 2026.
        unique_ids: Let the ids of repeated equal requests differ. Otherwise they depend on the request only.
        prefix_cache: Report the cached tokens of prompts that begin like earlier ones.
        context_length: Tokens of context; the provider's own if omitted.
        extra_models: Additional served model ids.
        unavailable_models: Models that are down; lists of fallback models (OpenRouter) continue with the next.
        latency: Seconds before each answer of a model, complete or streamed. Refusals are sent at once.
        max_concurrency: Number of answers at a time. A request above it gets 429 with `Retry-After: 1`.
        rpm: Number of answers begun within 60 seconds. A request above it gets 429, and `Retry-After` is the time
            until the next one is accepted, in full seconds.
        clock: Time of the answers (`created`) in seconds since 1970: a fixed value, or a function such as `time.time`.
            By default 2026-09-21 14:13:20 UTC, outside DeepSeek's peak hours, so that costs do not depend on the time.
        host: Address to listen on.
        port: Port to listen on; 0 selects a free one.
    """

    def __init__(
        self,
        *,
        provider: str = "deepseek",
        api_key: str = DEFAULT_KEY,
        extra_keys: Iterable[str] = (),
        passback: Passback = "strict",
        keep_alives: int = 0,
        keep_alive_interval: float | None = None,
        fragment: int | str | random.Random | None = None,
        chunk_delay: float = 0.0,
        burst: bool = True,
        content_null: bool = False,
        usage_chunk: UsageChunk | None = None,
        pings: bool = False,
        thinking_default: bool | None = None,
        type_error_status: int = 422,
        unique_ids: bool = False,
        prefix_cache: bool = True,
        context_length: int | None = None,
        extra_models: Iterable[str] = (),
        unavailable_models: Iterable[str] = (),
        latency: float = 0.0,
        max_concurrency: int | None = None,
        rpm: int | None = None,
        clock: float | Callable[[], float] = OFF_PEAK,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in ServerOptions.__dataclass_fields__}
        options = ServerOptions(**given)
        self.api_key = api_key
        self._host = host
        self._port = port
        self._traffic = Traffic()
        self._application = Application(dialect_named(provider), options, api_key, self._traffic)
        self._thread: ServerThread | None = None

    # ------------------------------------------------------------------ life

    def start(self) -> LocalServer:
        """Start listening; returns the server.

        Raises:
            RuntimeError: It is already running, or does not start.
            OSError: The port is taken.
        """
        if self._thread is not None:
            raise RuntimeError("this local server is already running")
        thread = ServerThread(self._application, self._traffic, self._host, self._port)
        thread.start()
        self._thread = thread
        self._port = thread.port
        return self

    def stop(self) -> None:
        """Close every connection and stop; without effect if it is not running."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.base_url if self._thread is not None else "stopped"
        return f"<LocalServer {self._application.dialect.name} {state}>"

    # ------------------------------------------------------------------ behaviour

    @property
    def base_url(self) -> str:
        """The provider's root, such as `http://127.0.0.1:41234`, or `http://127.0.0.1:41234/api/v1` for OpenRouter."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}{self._application.dialect.root}"

    @property
    def counts_url(self) -> str:
        """The URL of the request counts (GET, without a key): JSON with `count`, `statuses`, `aborted` and `rows`.

        `rows` has the counts of the requests with the same last user text, by that text.
        """
        return self.base_url.removesuffix(self._application.dialect.root) + PATH

    def script(self, *turns: Turn) -> None:
        """Queue answers for the next valid requests, in order; with an empty queue, answers are improvised.

        A turn stays queued if a fault prevents its complete answer, so that a retry receives it.

        Raises:
            TypeError: One is not a `Turn`.
        """
        if not all(isinstance(turn, Turn) for turn in turns):
            raise TypeError(f'script() takes turns, as in script(Turn("Hello"), Turn("Goodbye")), not {turns!r}')
        self._application.memory.turns.extend(turns)

    def fault(self, fault: Fault, *, times: int = 1) -> None:
        """Queue a fault for the next requests.

        Args:
            fault: The fault.
            times: Number of requests.

        Raises:
            TypeError: It is not a `Fault`.
        """
        if not isinstance(fault, Fault):
            raise TypeError(f"fault() takes a fault, as in fault(Fault.status(503), times=2), not {fault!r}")
        self._application.memory.faults.extend([fault] * times)

    def configure(self, **changes: Any) -> None:
        """Change options of the running server: the constructor's, except provider, api_key, host and port."""
        self._application.options = dataclasses.replace(self._application.options, **changes)

    def reset(self) -> None:
        """Clear requests, keys, scripts, faults, cached prompts and the minute of `rpm`; options stay."""
        self._application.memory = Memory()

    # ------------------------------------------------------------------ observations

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, oldest first; `counts_url` has their counts as JSON."""
        return list(self._application.memory.requests)

    @property
    def authorizations(self) -> list[SeenKey]:
        """The different keys received, in order of their first request. Their values cannot be read back."""
        return list(self._application.memory.seen_keys)

    @property
    def open_connections(self) -> int:
        """TCP connections open now."""
        return self._traffic.open_connections

    @property
    def open_streams(self) -> int:
        """Streamed answers still being sent."""
        return self._traffic.open_streams
