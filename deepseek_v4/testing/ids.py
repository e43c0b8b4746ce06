"""Ids, times and fingerprints made from the request, so that the same request always gets the same ones."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
UNSTAMPED = ("stream", "stream_options")  # a streamed answer has the ids of the unstreamed one


@dataclass(frozen=True, slots=True)
class Stamp:
    """The digest of a request with what is derived from it, and the time of its answer in seconds since 1970."""

    digest: bytes
    created: int

    @classmethod
    def of(cls, body: Any, created: int, counter: int | None = None) -> Stamp:
        """Return the stamp of a request; a counter makes repeated requests differ."""
        kept = {k: v for k, v in body.items() if k not in UNSTAMPED} if isinstance(body, dict) else body
        text = json.dumps([counter, kept], sort_keys=True, ensure_ascii=True)
        return cls(hashlib.sha256(text.encode()).digest(), created)

    def answer_id(self) -> str:
        """Return a bare UUID."""
        return str(uuid.UUID(bytes=self.digest[:16], version=4))

    def hex(self, purpose: str) -> str:
        """Return 32 hex digits."""
        return self._derive(purpose).hex()[:32]

    def call_id(self, position: int, prefix: str = "", *, unreasoned: bool = False) -> str:
        """Return `call_<NN>_<20 alphanumerics>`, NN being the position in the batch, or a prefix and 24 hex digits.

        An answer that thought nothing while thinking is on has `call_<NN>_ET_…`.
        """
        if prefix:
            return prefix + self._derive(f"call {position}").hex()[:24]
        mark = "ET_" if unreasoned else ""
        return f"call_{position:02d}_{mark}{self.letters(f'call {position}', 20)}"

    def uuid(self, purpose: str) -> str:
        """Return a bare UUID for a part of the answer."""
        return str(uuid.UUID(bytes=self._derive(purpose)[:16], version=4))

    def letters(self, purpose: str, length: int) -> str:
        """Return letters and digits."""
        return "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._derive(purpose)[:length])

    def logprob(self, position: int) -> float:
        """Return a small negative number for the token at this position."""
        digest = self._derive(f"logprob {position}")
        return -round(int.from_bytes(digest[:2], "big") / 65536, 7)

    def _derive(self, purpose: str) -> bytes:
        return hashlib.sha256(self.digest + purpose.encode()).digest()
