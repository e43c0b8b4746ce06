"""The parts of an exception that an error reporter can read."""

from __future__ import annotations

from pathlib import Path

HTTP_STACK = {"httpx", "httpcore", "httpx2", "httpcore2", "h11", "anyio"}
RAW_HEADERS = "the raw headers in the frame"
TESTS = str(Path(__file__).parent)


def secret_in_reach(fault: BaseException, secret: str) -> list[str]:
    """Return the parts of an exception that show the secret. Frames of the HTTP stack count: they hold the request."""
    return [text for text in everything_in_reach(fault) if secret in text or text.startswith(RAW_HEADERS)]


def everything_in_reach(fault: BaseException) -> list[str]:
    """Return messages, attributes and the locals of all frames except the tests' own, as ``repr`` shows them.

    Causes, contexts and exceptions in locals are followed; Sentry sends the same.
    """
    seen: set[int] = set()
    waiting: list[BaseException | None] = [fault]
    found = []
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        found += [str(one), repr(one), repr(vars(one))]
        waiting += [one.__cause__, one.__context__]
        traceback = one.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            if frame.f_globals["__name__"].partition(".")[0] in HTTP_STACK:
                found.append(f"{RAW_HEADERS} of {frame.f_code.co_name}")
            if not frame.f_code.co_filename.startswith(TESTS):
                values = list(frame.f_locals.values())
                found += [repr(value) for value in values]
                waiting += [value for value in values if isinstance(value, BaseException)]
            traceback = traceback.tb_next
    return found
