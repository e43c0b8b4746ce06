"""The ASGI application: log the request, apply the fault, check the key, call the endpoint, deliver."""

from __future__ import annotations

import hmac
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from deepseek_v4.testing.checks.types import parsed_json
from deepseek_v4.testing.exchange import Dialect, EndpointRoute, Exchange
from deepseek_v4.testing.http.connections import Traffic
from deepseek_v4.testing.http.counts import PATH, request_counts
from deepseek_v4.testing.http.delivery import Delivery
from deepseek_v4.testing.http.load import Load
from deepseek_v4.testing.ids import Stamp
from deepseek_v4.testing.memory import Memory, next_in
from deepseek_v4.testing.options import ServerOptions
from deepseek_v4.testing.outcome import JSON, Outcome, Rejection, dumps
from deepseek_v4.testing.request_log import ReceivedRequest, SeenKey, masked_header

RECEIVED = "local_server.received"
KEY = "local_server.key"


class Application:
    """The local server without its sockets."""

    def __init__(self, dialect: Dialect, options: ServerOptions, api_key: str, traffic: Traffic) -> None:
        self.dialect = dialect
        self.options = options
        self.api_key = api_key
        self.memory = Memory()
        self._load = Load()
        self._traffic = traffic
        self._router = Router(
            [Route(r.path, endpoint=_Endpoint(self, r), methods=[r.method]) for r in dialect.routes],
            default=_Endpoint(self, None),
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        if (request.method, request.url.path) == ("GET", PATH):
            await Response(dumps(request_counts(self.memory.requests)), media_type=JSON)(scope, receive, send)
            return
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = ReceivedRequest(
            method=request.method,
            path=request.url.path,
            query=request.url.query,
            headers={name: masked_header(name, value) for name, value in headers.items()},
            body=_json_or_none(raw),
            raw=raw,
        )
        self.memory.requests.append(received)
        scope[RECEIVED] = received
        scope[KEY] = self.dialect.key_in(headers, received.path)
        self._note_key(scope[KEY])

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                received.status = message["status"]
            await send(message)

        await self._router(scope, receive, send_and_note)

    async def answer(self, route: EndpointRoute | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; without a route with 404."""
        generates = route is not None and route.method == "POST"
        with self._load.answer(self.options, self.memory.begun) if generates else nullcontext() as retry_after:
            exchange = self._exchange(route, scope, refused=retry_after is not None)
            if retry_after is None:
                outcome = self._outcome(route, exchange, scope[KEY])
            else:
                outcome = replace(exchange.refusal(429), headers={"retry-after": str(retry_after)})
            fault = exchange.fault
            if fault is not None and fault.change_steps is not None and outcome.status == 200:
                outcome = replace(outcome, steps=fault.change_steps(exchange, outcome))
            delay = fault.delay if fault is not None else 0.0
            if generates and outcome.status == 200:
                delay += exchange.options.latency
            headers = {**self.dialect.response_headers(exchange.stamp), **outcome.headers}
            delivery = Delivery(exchange.options, self._traffic, exchange.received, scope, receive, send)
            await delivery.deliver(replace(outcome, headers=headers), delay)

    def _exchange(self, route: EndpointRoute | None, scope: Scope, *, refused: bool) -> Exchange:
        """Return the exchange of a request; one that is above a limit does not consume a fault."""
        received: ReceivedRequest = scope[RECEIVED]
        options = self.options
        return Exchange(
            received=received,
            dialect=self.dialect,
            options=options,
            memory=self.memory,
            stamp=Stamp.of(received.body, options.seconds, len(self.memory.requests) if options.unique_ids else None),
            key=scope[KEY] or "",
            fault=None if refused else next_in(self.memory.faults),
            beta=route is not None and route.beta,
            protocol="chat" if route is None else route.protocol,
            path_parameters=scope.get("path_params", {}),
            files=self.memory.files,
        )

    def _outcome(self, route: EndpointRoute | None, exchange: Exchange, key: str | None) -> Outcome:
        if exchange.fault is not None and exchange.fault.instead is not None:
            return exchange.fault.instead(exchange)
        if route is None:
            return Outcome((b"",), status=404, content_type="text/plain")
        try:
            self._check_key(key)
            form = exchange.received.headers.get("content-type", "").startswith("multipart/")
            if route.method == "POST" and not form and exchange.received.body is None:
                exchange.received.body = parsed_json(exchange.received.raw)
            return route.endpoint(exchange)
        except Rejection as rejection:
            return self.dialect.refuse(rejection, exchange.protocol)

    def _check_key(self, key: str | None) -> None:
        if key is None and not self.dialect.key_needed:
            return
        accepted = (self.api_key, *self.options.extra_keys)
        if key is None or not any(hmac.compare_digest(key.encode(), good.encode()) for good in accepted):
            raise self.dialect.refuse_key(key)

    def _note_key(self, key: str | None) -> None:
        if key is None:
            return
        seen = next((seen for seen in self.memory.seen_keys if seen.matches(key)), None)
        if seen is None:
            self.memory.seen_keys.append(SeenKey(key))
        else:
            seen.count += 1


class _Endpoint:
    """A route as an ASGI application; without a route, the answer to other paths."""

    def __init__(self, application: Application, route: EndpointRoute | None) -> None:
        self._application = application
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application.answer(self._route, scope, receive, send)


def _json_or_none(raw: bytes) -> Any:
    try:
        return parsed_json(raw)
    except Rejection:
        return None
