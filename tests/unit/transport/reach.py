"""What of an exception a reporter could pick up."""

from __future__ import annotations

from pathlib import Path

TESTS = str(Path(__file__).parent)


def everything_in_reach(fault: BaseException) -> list[str]:
    """Messages and attributes, and the locals of all frames but the tests' own, as ``repr`` shows them.

    Causes, contexts and exceptions that stand in locals are followed; it is what Sentry would send.
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
            if not frame.f_code.co_filename.startswith(TESTS):
                values = list(frame.f_locals.values())
                found += [repr(value) for value in values]
                waiting += [value for value in values if isinstance(value, BaseException)]
            traceback = traceback.tb_next
    return found
