"""``deepseek-v4 batch``: a file of prompts in, a file of answers out."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from deepseek_v4.batch import Batch, BatchRefused, Plan, Summary
from deepseek_v4.cli.options import with_model_options
from deepseek_v4.cli.output import REFUSED, emit, schema_option
from deepseek_v4.cli.progress import show, summary_table


def _option(help_: str, *names: str) -> Any:
    return typer.Option(*names, help=help_)


_PLAN = {
    "temperature": Annotated[float | None, _option("Sampling temperature, 0 to 2.")],
    "schema": Annotated[str | None, _option("JSON Schema of the answers: a file, or module:Class.")],
    "output_format": Annotated[str | None, _option("flat or openai; by default that of the input.", "--format")],
    "id_column": Annotated[str, _option("Field or column with the id of a row.", "--id")],
    "prompt_column": Annotated[str, _option("Field or column with the prompt.", "--prompt")],
    "max_concurrency": Annotated[int, _option("Maximum requests at a time.")],
    "requests_per_minute": Annotated[float | None, _option("Maximum requests per minute.", "--rpm")],
    "tokens_per_minute": Annotated[float | None, _option("Maximum tokens per minute.", "--tpm")],
    "tries": Annotated[int, _option("Maximum requests per row, if its errors are retryable.")],
    "max_cost": Annotated[str | None, _option("Maximum cost of the run in US dollars.")],
    "off_peak": Annotated[bool, _option("Start rows outside peak hours only.", "--off-peak")],
    "deadline": Annotated[str | None, _option("Time from which --off-peak no longer waits, such as 08:00.")],
    "ordered": Annotated[Path | None, _option("Copy of the output in the order of the input.")],
    "strict": Annotated[bool, _option("Refuse rows that have changed since they were answered.", "--strict")],
    "retry_errors": Annotated[bool, _option("Answer rows with a retryable error again.", "--retry-errors")],
}
"""Options of a plan, with its defaults, and the temperature."""


def _with_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Replace ``**plan`` of a command by the options of a plan."""
    plan = [Parameter(n, Parameter.KEYWORD_ONLY, default=vars(Plan).get(n), annotation=a) for n, a in _PLAN.items()]
    own = [one for one in signature(command, eval_str=True).parameters.values() if one.name != "plan"]
    named = [one.name for one in own].index("given") + 1
    command.__signature__ = Signature([*own[:named], *plan, *own[named:]])  # type: ignore[attr-defined]
    return command


@with_model_options
@_with_plan
def batch(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="JSON lines, .csv or .parquet; - for standard input.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="JSON lines; an existing output is continued.")],
    *,
    given: dict[str, Any],
    retry_all_errors: Annotated[bool, _option("Answer all rows with an error again.", "--retry-all-errors")] = False,
    dry: Annotated[bool, _option("Show rows, tokens, cost and sample requests; send nothing.", "--dry-run")] = False,
    as_json: Annotated[bool, _option("Print the summary as JSON to standard output.", "--json")] = False,
    json_schema: Annotated[bool, schema_option(Summary)] = False,
    **plan: Any,
) -> None:
    """Answer every row of a file. Run the same command again to continue after an interruption.

    \b
    Example:
      deepseek-v4 batch prompts.jsonl answers.jsonl --max-cost 5

    Exit status: 0 all rows answered, 1 some failed, 2 refused, 3 stopped (key, balance, cost, disk), 130 interrupted.
    """
    plan["retry_errors"] = "all" if retry_all_errors else plan["retry_errors"]
    try:
        engine = Batch(source, None if dry else output, **{**plan, **given})
        if dry:
            typer.echo(json.dumps(engine.dry_run(), indent=2, ensure_ascii=False))
            return
        summary = asyncio.run(_run(engine))
    except BatchRefused as error:
        typer.echo(f"Refused: {error}", err=True)
        raise typer.Exit(REFUSED) from None
    summary_table(summary)
    if summary.stopped is not None:
        typer.echo(f"Stopped: {summary.stopped}\nContinue with: {shlex.join(_command())}", err=True)
    if as_json:
        emit(summary)
    raise typer.Exit(summary.exit_code)


async def _run(engine: Batch) -> Summary:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def interrupt() -> None:
        if engine.summary.interrupted and task is not None:
            task.cancel()  # the second time: at once
        engine.stop("Interrupted.", interrupted=True)

    for number in (signal.SIGINT, signal.SIGTERM):  # on Windows, event loops have no signal handlers
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupt))
    progress = asyncio.create_task(show(engine.summary))
    try:
        await engine.run()
    except asyncio.CancelledError:
        engine.stop("Interrupted.", interrupted=True)
    finally:
        progress.cancel()
    return engine.summary


def _command() -> list[str]:
    program = Path(sys.argv[0])
    start = [sys.executable, "-m", "deepseek_v4.cli"] if program.name == "__main__.py" else [program.name]
    return [*start, *sys.argv[1:]]
