from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4.protocols.tool_names import ToolNames

ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
names = st.one_of(
    st.text(max_size=80), st.sampled_from(["a.b", "a_b", "a b", "a!b", "a_b_2", "x" * 64, "x" * 65, "x" * 66, ""])
)


@given(st.lists(names, max_size=8))
def test_every_name_is_mapped_back(offered: list[str]) -> None:
    mapping = ToolNames(offered)
    assert [mapping.from_wire(mapping.to_wire(name)) for name in offered] == offered


@given(st.lists(names, max_size=8))
def test_every_name_on_the_wire_is_allowed(offered: list[str]) -> None:
    mapping = ToolNames(offered)
    assert all(ALLOWED.fullmatch(mapping.to_wire(name)) for name in offered)


@given(st.lists(names, unique=True, max_size=8))
def test_different_names_stay_different(offered: list[str]) -> None:
    mapping = ToolNames(offered)
    assert len({mapping.to_wire(name) for name in offered}) == len(offered)


@given(st.lists(st.from_regex(ALLOWED, fullmatch=True), max_size=8))
def test_allowed_names_are_unchanged(offered: list[str]) -> None:
    mapping = ToolNames(offered)
    assert [mapping.to_wire(name) for name in offered] == offered


@given(st.lists(names, max_size=4), names)
def test_the_name_of_a_tool_that_is_not_offered_is_allowed(offered: list[str], past: str) -> None:
    assert ALLOWED.fullmatch(ToolNames(offered).to_wire(past))


def test_an_allowed_name_is_never_used_for_another() -> None:
    mapping = ToolNames(["a.b", "a_b"])
    assert (mapping.to_wire("a_b"), mapping.to_wire("a.b")) == ("a_b", "a_b_2")


def test_an_invented_name_is_unchanged() -> None:
    assert ToolNames(["a.b"]).from_wire("no such tool") == "no such tool"


@pytest.mark.parametrize(
    ("name", "sent"), [("get weather!", "get_weather_"), ("ns/tool:v1", "ns_tool_v1"), ("", "tool")]
)
def test_characters_that_are_not_allowed_become_underscores(name: str, sent: str) -> None:
    assert ToolNames([name]).to_wire(name) == sent


def test_a_line_break_at_the_end_is_replaced() -> None:
    assert ToolNames(["f\n"]).to_wire("f\n") == "f_"
