"""HTTP: clients and timeouts, sync and async. The only package that opens sockets; it sends each request once.

This package does not depend on messages or providers: it sends the ``HttpRequest`` of an ``Exchange``, and the given
functions decode the bytes of the response.
"""

from deepseek_v4.transport.asynchronous import AsyncStream, AsyncTransport
from deepseek_v4.transport.exchange import ByteDecoder, Exchange
from deepseek_v4.transport.sync import SyncStream, SyncTransport
from deepseek_v4.transport.timeouts import Limits

__all__ = [
    "AsyncStream",
    "AsyncTransport",
    "ByteDecoder",
    "Exchange",
    "Limits",
    "SyncStream",
    "SyncTransport",
]
