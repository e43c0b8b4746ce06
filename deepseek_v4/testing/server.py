"""The local server a test starts: real sockets, scripted answers, faults on demand, a log of what came."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from deepseek_v4.testing.dialects import dialect_named
from deepseek_v4.testing.faults import Fault
from deepseek_v4.testing.http.application import Application
from deepseek_v4.testing.http.connections import ServerThread, Traffic
from deepseek_v4.testing.options import Passback, ServerOptions, UsageChunk
from deepseek_v4.testing.request_log import ReceivedRequest, SeenKey
from deepseek_v4.testing.script import Turn

DEFAULT_KEY = "sk-local-server"


class LocalServer:
    """A server on 127.0.0.1 that speaks a provider's protocol and gives scripted answers.

    ```python
    with LocalServer(chunk_delay=0.01) as server:
        server.script(Turn(text="Hello", reasoning="A greeting."))
        server.fault(Fault.status(503))
        # the first request gets 503, the second the turn, the third an improvised answer
    ```

    Args:
        provider: Whose dialect is spoken: `deepseek`, `openrouter`, `empiriolabs`, `vllm` or `sglang`.
        api_key: The key that is accepted; any other gets 401.
        extra_keys: More keys that are accepted.
        passback: Which past reasoning is required in thinking mode. `lenient`: in an open tool turn, every assistant
            message since the last user message needs `reasoning_content`, as in DeepSeek's own parser. `strict`: with
            tools declared, every assistant message needs it, as in DeepSeek's documents. `off`: none. The other
            protocols and providers have rules of their own, which their dialects describe.
        keep_alives: Comments before the first event of a stream, blank lines before a whole body.
        keep_alive_interval: Seconds between them, and between those sent while events are waited for.
        fragment: Bytes per piece of a body; a `random.Random`, or a seed (str) for one, for random pieces.
        chunk_delay: Seconds between the events of a stream.
        burst: Write events that need no delay together; otherwise each on its own.
        content_null: Send `content: null` rather than `""` beside the tool calls of a whole answer.
        usage_chunk: Where a stream says its usage. `with_finish`: on the chunk with the finish reason. `separate`: on
            one of its own without choices. `repeated_finish`, `null_finish`: on one of its own whose choice repeats
            the finish reason, or has none. The provider's own way when omitted.
        pings: Send `ping` events in the streams of the Messages protocol.
        thinking_default: Whether a request that says nothing thinks; as the provider has it when omitted.
        type_error_status: Status of type errors: 422, or 400 as in August 2026.
        unique_ids: Let the ids of repeated equal requests differ. Otherwise they depend on the request alone.
        prefix_cache: Report the cached tokens of prompts that begin like earlier ones.
        context_length: Tokens of context; the provider's own when omitted.
        extra_models: More model ids that are served.
        unavailable_models: Models that are down; lists of fallback models (OpenRouter) go on to the next.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
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
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        options = ServerOptions(
            passback=passback,
            keep_alives=keep_alives,
            keep_alive_interval=keep_alive_interval,
            fragment=_fragment(fragment),
            chunk_delay=chunk_delay,
            burst=burst,
            content_null=content_null,
            usage_chunk=usage_chunk,
            pings=pings,
            thinking_default=thinking_default,
            type_error_status=type_error_status,
            unique_ids=unique_ids,
            prefix_cache=prefix_cache,
            context_length=context_length,
            extra_models=tuple(extra_models),
            unavailable_models=tuple(unavailable_models),
            extra_keys=tuple(extra_keys),
        )
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
            RuntimeError: It runs already, or does not come up.
            OSError: The port is taken.
        """
        if self._thread is not None:
            raise RuntimeError("this local server runs already")
        thread = ServerThread(self._application, self._traffic, self._host, self._port)
        thread.start()
        self._thread = thread
        self._port = thread.port
        return self

    def stop(self) -> None:
        """Close every connection and stop; does nothing when it does not run."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.base_url if self._thread is not None else "stopped"
        return f"<LocalServer {self._application.dialect.name} {state}>"

    # ------------------------------------------------------------------ what it will do

    @property
    def base_url(self) -> str:
        """The provider's root, such as `http://127.0.0.1:41234`, or `http://127.0.0.1:41234/api/v1` for OpenRouter."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}{self._application.dialect.root}"

    def script(self, *turns: Turn) -> None:
        """Queue answers for the next valid requests, in order; with an empty queue, answers are improvised.

        A turn stays queued when a fault keeps its answer from reaching the end, so that a retry gets it.
        """
        self._application.script.add_turns(turns)

    def fault(self, fault: Fault, *, times: int = 1) -> None:
        """Let the next requests misbehave; faults queue up.

        Args:
            fault: How.
            times: For how many requests.
        """
        self._application.script.add_fault(fault, times)

    def configure(self, **changes: Any) -> None:
        """Change options while it runs: the constructor's, but not provider, api_key, host and port."""
        if "fragment" in changes:
            changes["fragment"] = _fragment(changes["fragment"])
        self._application.options = dataclasses.replace(self._application.options, **changes)

    def reset(self) -> None:
        """Forget requests, keys, scripts, faults and cached prompts; options stay."""
        self._application.forget()

    # ------------------------------------------------------------------ what it saw

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, oldest first."""
        return list(self._application.requests)

    @property
    def authorizations(self) -> list[SeenKey]:
        """The different keys that came, in order of their first request. Their values cannot be read back."""
        return list(self._application.seen_keys)

    @property
    def open_connections(self) -> int:
        """TCP connections open now."""
        return self._traffic.open_connections

    @property
    def open_streams(self) -> int:
        """Streamed answers still being sent."""
        return self._traffic.open_streams


def _fragment(wanted: int | str | random.Random | None) -> int | random.Random | None:
    return random.Random(wanted) if isinstance(wanted, str) else wanted  # noqa: S311 - lengths, no secret
