"""Answers of ``/files``."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4.protocols.files import FilesDialect

FILES = FilesDialect()
WHOLE = {
    "id": "file-1",
    "filename": "a.pdf",
    "bytes": 9,
    "purpose": "user_data",
    "created_at": 1785967715,
    "expires_at": 1785971315,
    "status": "processed",
}


def test_each_field_of_a_file_is_read() -> None:
    file = FILES.decode_file(WHOLE)
    assert file is not None
    assert (file.id, file.filename, file.bytes, file.purpose) == ("file-1", "a.pdf", 9, "user_data")
    assert (file.created, file.expires, file.extra) == (1785967715, 1785971315, WHOLE)


@pytest.mark.parametrize("value", [None, "9", True, 1.5, [9]])
def test_a_field_of_another_type_is_none(value: Any) -> None:
    file = FILES.decode_file({"id": "f", "bytes": value, "created_at": value, "expires_at": value, "purpose": [value]})
    assert file is not None
    assert (file.bytes, file.created, file.expires, file.purpose, file.filename) == (None, None, None, None, "")


@pytest.mark.parametrize("body", [None, [], "x", {}, {"id": None}, {"id": 1}])
def test_an_object_without_an_id_is_not_a_file(body: Any) -> None:
    assert FILES.decode_file(body) is None


@pytest.mark.parametrize(
    ("body", "ids", "following"),
    [
        ({"data": [WHOLE, {"id": "file-2"}], "has_more": True}, ["file-1", "file-2"], "file-2"),
        ({"data": [WHOLE, {"id": "file-2"}], "has_more": False}, ["file-1", "file-2"], None),
        ({"data": [WHOLE]}, ["file-1"], None),
        ({"data": [{}, WHOLE, None]}, ["file-1"], None),
        ({"data": [], "has_more": True}, [], None),
    ],
)
def test_a_page_of_the_list_names_the_file_after_which_the_next_one_begins(
    body: Any, ids: list[str], following: str | None
) -> None:
    page = FILES.decode_files(body)
    assert page is not None
    files, after = page
    assert ([file.id for file in files], after) == (ids, following)


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": {}}])
def test_an_object_without_a_list_is_not_a_page(body: Any) -> None:
    assert FILES.decode_files(body) is None


@pytest.mark.parametrize(
    ("body", "deleted"),
    [({"deleted": True}, True), ({"deleted": False}, False), ({"deleted": "yes"}, None), ({}, None), ([], None)],
)
def test_whether_a_file_was_deleted(body: Any, deleted: bool | None) -> None:
    assert FILES.decode_deleted(body) is deleted
