"""DeepSeek's APIs of October and November 2026 without a model: /files, /v1/tools/search, /v1/tools/fetch."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from deepseek_v4.testing.checks.parameters import Range, check_ranges
from deepseek_v4.testing.checks.types import boolean, request_of, string, whole_number
from deepseek_v4.testing.endpoints.completions import check_deepseek_types
from deepseek_v4.testing.exchange import Exchange
from deepseek_v4.testing.model.answer import MADE_UP_PAGE
from deepseek_v4.testing.outcome import Outcome, Rejection, dumps

PART = re.compile(rb'content-disposition: form-data; name="([^"]+)"(?:; filename="([^"]*)")?', re.I)
LONGEST_URL = 8192
TEXTS = dict.fromkeys(("query", "ori_question"), string)
search_types = request_of("SearchRequest", {**TEXTS, "count": whole_number, "need_content": boolean}, "query")
fetch_types = request_of("FetchRequest", {"url": string}, "url")


def upload_file(exchange: Exchange) -> Outcome:
    """Store a file; `purpose` has to come before `file`."""
    boundary = exchange.received.headers["content-type"].partition("boundary=")[2].encode()
    found = [(PART.search(part), part) for part in exchange.received.raw.split(b"--" + boundary)]
    parts = {head[1].decode(): (head[2], part.split(b"\r\n\r\n", 1)[1][:-2]) for head, part in found if head}
    if [name for name in parts if name in ("purpose", "file")] != ["purpose", "file"]:
        raise Rejection("missing field `purpose` before `file`")
    file_id, (filename, content) = f"file-api-{len(exchange.files)}-{exchange.stamp.hex('file')}", parts["file"]
    entry: dict[str, Any] = {
        "id": file_id,
        "object": "file",
        "bytes": len(content),
        "created_at": exchange.stamp.created,
        "filename": filename.decode(),
        "purpose": parts["purpose"][1].decode(),
    }
    if "expires_after[seconds]" in parts:
        seconds = parts["expires_after[seconds]"][1].decode()
        if not seconds.isdecimal() or int(seconds) not in range(3600, 2_592_001):
            raise Rejection("Invalid expires_after[seconds] value, the valid range is [3600, 2592000]")
        entry["expires_at"] = exchange.stamp.created + int(seconds)
    exchange.files[file_id] = entry
    return Outcome((dumps(entry),))


def list_files(exchange: Exchange) -> Outcome:
    """Return a page of files, oldest first."""
    query = {name: values[0] for name, values in parse_qs(exchange.received.query).items()}
    found = [file for file in exchange.files.values() if query.get("purpose") in (None, file["purpose"])]
    ids = [file["id"] for file in found]
    start = ids.index(_known(query["after"], exchange)) + 1 if "after" in query else 0
    end = start + exchange.options.files_per_page
    return Outcome((dumps({"object": "list", "data": found[start:end], "has_more": end < len(found)}),))


def answer_file(exchange: Exchange) -> Outcome:
    """Return one file."""
    return Outcome((dumps(exchange.files[_known(exchange.path_parameters["id"], exchange)]),))


def delete_file(exchange: Exchange) -> Outcome:
    """Delete a file."""
    name = _known(exchange.path_parameters["id"], exchange)
    del exchange.files[name]
    return Outcome((dumps({"id": name, "object": "file", "deleted": True}),))


def _known(file_id: str, exchange: Exchange) -> str:
    if file_id not in exchange.files:
        raise Rejection(f"File not found: {file_id}", status=404)
    return file_id


def search(exchange: Exchange) -> Outcome:
    """Return one made-up result; none for a query with `nothing`."""
    check_deepseek_types(search_types, exchange)
    query = exchange.body["query"]
    for name in TEXTS:
        if not 0 < len(exchange.body.get(name) or query) <= 128:
            raise Rejection(f"Invalid '{name}': string length must be between 1 and 128")
    check_ranges(exchange.body, {"count": Range(1, 50, "[1, 50]")})
    text = MADE_UP_PAGE["content"]
    more = {"content": text if exchange.body.get("need_content") else "", "date": "2026-11-13T00:00:00Z"}
    page = {**MADE_UP_PAGE, "snippet": query, "summary": text, **more, "authority": 3, "rerank_score": 2.1}
    return Outcome((dumps({"results": [] if "nothing" in query else [page]}),))


def fetch(exchange: Exchange) -> Outcome:
    """Return a made-up page; 404 for a URL with `missing`."""
    check_deepseek_types(fetch_types, exchange)
    if not 0 < len(exchange.body["url"]) <= LONGEST_URL:
        raise Rejection(f"Invalid 'url': string length must be between 1 and {LONGEST_URL}")
    if "missing" in exchange.body["url"]:
        raise Rejection("failed to fetch URL", status=404)
    return Outcome((dumps({name: MADE_UP_PAGE[name] for name in ("title", "content")}),))
