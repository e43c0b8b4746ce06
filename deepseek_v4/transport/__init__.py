"""HTTP: clients and timeouts, blocking and on asyncio. The only place with sockets; every request is sent once.

It knows no message and no provider: what to send comes as a ``HttpRequest``, and what the bytes mean is said by
the ``read``, ``decode_error`` and ``decoder`` it is given.
"""

from deepseek_v4.transport.asynchronous import AsyncStream, AsyncTransport
from deepseek_v4.transport.request_cycle import ByteDecoder, ReadError
from deepseek_v4.transport.sync import SyncStream, SyncTransport
from deepseek_v4.transport.timeouts import Limits

__all__ = [
    "AsyncStream",
    "AsyncTransport",
    "ByteDecoder",
    "Limits",
    "ReadError",
    "SyncStream",
    "SyncTransport",
]
