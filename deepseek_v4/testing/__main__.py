"""`python -m deepseek_v4.testing`: run the local server until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence

from deepseek_v4.testing.dialects import DIALECTS
from deepseek_v4.testing.options import USAGE_CHUNKS
from deepseek_v4.testing.server import DEFAULT_KEY, LocalServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server.

    Args:
        arguments: Command line without the program's name; the process's own when omitted.
    """
    options = _parser().parse_args(arguments)
    server = LocalServer(**vars(options))
    try:
        server.start()
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"Local {options.provider} server at {server.base_url}")
    print(f"API key: {options.api_key}")
    print(
        "Answers are scripted: they are made by fixed rules, no model is involved. Ctrl-C ends it.",
        flush=True,
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()
    finally:
        server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deepseek_v4.testing",
        description="A local server that speaks the protocol of DeepSeek or another host. Its answers are scripted.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8000, help="port to listen on; 0 takes a free one")
    add("--provider", choices=sorted(DIALECTS), default="deepseek", help="whose dialect is spoken")
    add("--api-key", default=DEFAULT_KEY, help="the key that is accepted")
    add(
        "--passback",
        choices=("strict", "lenient", "off"),
        default="strict",
        help="how reasoning is asked back",
    )
    add("--chunk-delay", type=float, default=0.0, help="seconds between the events of a stream")
    add("--keep-alives", type=int, default=0, help="keep-alives before each answer")
    add("--keep-alive-interval", type=float, default=None, help="seconds between keep-alives")
    add("--fragment", type=int, default=None, help="bytes per piece of a body")
    add(
        "--usage-chunk",
        choices=USAGE_CHUNKS,
        default=None,
        help="where usage is sent in a stream; the provider's own way when omitted",
    )
    add("--pings", action="store_true", help="ping events in the streams of the Messages protocol")
    add("--content-null", action="store_true", help="content null rather than empty beside tool calls")
    return parser


if __name__ == "__main__":
    sys.exit(main())
