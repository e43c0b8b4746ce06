"""Files, and the Search and Fetch APIs: what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.testing.calls import Caller


def upload(caller: Caller, **more: str) -> Any:
    data = {"purpose": "user_data", **more}
    return caller.http.post("/files", data=data, files={"file": ("a.txt", b"hi")})


def test_a_file_is_read_by_its_id(caller: Caller) -> None:
    file = upload(caller).json()
    assert caller.http.get(f"/files/{file['id']}").json() == file
    assert caller.http.get("/files/file-api-9").status_code == 404


def test_a_page_after_an_unknown_file_is_refused(caller: Caller) -> None:
    assert caller.http.get("/files?after=file-api-9").status_code == 404


@pytest.mark.parametrize(("seconds", "status"), [("3600", 200), ("3599", 400), ("2592001", 400), ("soon", 400)])
def test_the_lifetime_of_a_file_has_a_range(caller: Caller, seconds: str, status: int) -> None:
    assert upload(caller, **{"expires_after[seconds]": seconds}).status_code == status


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("search", {"query": "a", "count": 50, "need_content": None}, 200),
        ("search", {"query": "a", "count": 51}, 400),
        ("search", {"query": "a", "count": 0}, 400),
        ("search", {"query": "a", "ori_question": "a" * 129}, 400),
        ("search", {"query": 5}, 422),
        ("search", {}, 422),
        ("search", [], 422),
        ("fetch", {"url": "https://a"}, 200),
        ("fetch", {"url": "https://" + "a" * 8185}, 400),
        ("fetch", {"url": 5}, 422),
        ("fetch", {}, 422),
        ("fetch", [], 422),
    ],
)
def test_search_and_fetch_check_their_fields(caller: Caller, path: str, body: Any, status: int) -> None:
    assert caller.http.post(f"/v1/tools/{path}", json=body).status_code == status


@pytest.mark.parametrize("text", [rb'"\ud800"', rb'"\uD800 x"'])
def test_a_lone_surrogate_is_not_json(caller: Caller, text: bytes) -> None:
    body = b'{"model": "deepseek-flash", "messages": [{"role": "user", "content": ' + text + b"}]}"
    assert caller.http.post("/chat/completions", content=body).status_code == 400


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_json_is_utf_8_without_a_mark(caller: Caller, encoding: str) -> None:
    body = '{"model": "deepseek-flash", "messages": [{"role": "user", "content": "\\ud83d\\ude00"}]}'
    assert caller.http.post("/chat/completions", content=body.encode()).status_code == 200
    assert caller.http.post("/chat/completions", content=body.encode(encoding)).status_code == 400
