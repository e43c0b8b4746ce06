from __future__ import annotations

import copy
import inspect
import json
import pickle

import pytest

from deepseek_v4 import Reply, errors

EVERY = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, errors.DeepSeekError) and kind.__module__ == errors.__name__
]


def example(kind: type[errors.DeepSeekError]) -> errors.DeepSeekError:
    return kind(
        "It broke.",
        status_code=500,
        request_id="abc",
        provider="deepseek",
        body={"error": {"message": "It broke."}},
        retryable=not kind.retryable_by_default,
        retry_after=1.5,
        headers={"x-ds-trace-id": "abc"},
        partial=Reply("Hel"),
    )


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_survives_pickle_and_copies_with_its_facts(kind: type[errors.DeepSeekError]) -> None:
    error = example(kind)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert twin.message == error.message
        assert twin.details() == error.details()
        assert str(twin) == str(error)


@pytest.mark.parametrize("kind", EVERY)
def test_the_details_create_an_equal_error(kind: type[errors.DeepSeekError]) -> None:
    error = example(kind)
    assert kind(error.message, **error.details()).details() == error.details()


def test_the_text_names_the_provider_and_the_status() -> None:
    assert str(example(errors.ServerError)) == "It broke. (deepseek, status 500, request abc)"


def test_the_message_is_the_only_argument_of_an_error_without_facts() -> None:
    assert errors.ServerError("It broke.").args == ("It broke.",)


@pytest.mark.parametrize("kind", EVERY)
def test_the_arguments_rebuild_an_error_from_json(kind: type[errors.DeepSeekError]) -> None:
    error = example(kind)
    error.attempts_exhausted = True  # as the engine sets it
    twin = kind(*json.loads(json.dumps(error.args)))
    for name in ("message", "status_code", "request_id", "provider", "retryable", "retry_after", "attempts_exhausted"):
        assert getattr(twin, name) == getattr(error, name)
    assert str(twin) == str(error)
    assert twin.args == error.args


def test_an_error_survives_celerys_json_result_backend() -> None:
    backends = pytest.importorskip("celery.backends.base")
    backend = backends.Backend(app=pytest.importorskip("celery").Celery(set_as_current=False), serializer="json")
    error = errors.RateLimitError("Too many.", status_code=429, retry_after=2.0, retryable=False)
    twin = backend.exception_to_python(json.loads(json.dumps(backend.prepare_exception(error))))
    assert type(twin) is errors.RateLimitError
    assert (twin.status_code, twin.retryable, twin.retry_after) == (429, False, 2.0)
    assert str(twin) == str(error)


def test_the_text_of_an_error_without_an_answer_is_its_message() -> None:
    assert str(errors.InvalidRequestError("No such option.")) == "No such option."


@pytest.mark.parametrize("kind", EVERY)
def test_retryable_defaults_to_the_class(kind: type[errors.DeepSeekError]) -> None:
    assert kind("x").retryable is kind.retryable_by_default


def test_errors_that_are_retryable_by_default() -> None:
    assert {kind.__name__ for kind in EVERY if kind.retryable_by_default} == {
        "RateLimitError",
        "OverloadedError",
        "ServerError",
        "ConnectionError",
        "TimeoutError",
        "StreamInterruptedError",
        "EmptyReplyError",
    }


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_is_exported_and_in_the_tree_of_the_docstring(kind: type[errors.DeepSeekError]) -> None:
    assert kind.__name__ in errors.__all__
    assert kind.__name__ in (errors.__doc__ or "")


def test_every_warning_is_exported() -> None:
    warnings = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, UserWarning)}
    assert warnings == {name for name in errors.__all__ if name.endswith("Warning")}


def test_errors_are_caught_by_their_base_classes() -> None:
    assert issubclass(errors.ContextLengthError, errors.InvalidRequestError)
    assert issubclass(errors.UnsupportedError, errors.InvalidRequestError)


def test_warnings_can_be_filtered_as_user_warnings() -> None:
    assert issubclass(errors.UnsupportedOptionWarning, UserWarning)
    assert issubclass(errors.HistoryRepairedWarning, UserWarning)
