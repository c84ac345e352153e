"""The door: every request and every connection passes it before the app, or does not.

- It must name this server by a name that the server goes by (Host), and where it comes from a page, from one of this
  server's own (Origin): pages of others, also of other ports, reach nothing. Both are handed on in the one spelling in
  which they were compared: of an Origin that it finds other than the Host, Streamlit would ask other servers.
- On a dashboard for this machine alone, the user who started it is let in, as told by the system's table of
  connections; anybody else needs the access code, once: a cookie keeps it.
- On a dashboard for a network everybody may look, and who knows the code may change, where that is allowed at all.

What is let in carries its rights in a header (`access.RIGHTS_HEADER`). Every answer tells the browser to show it in no
other page and to ask nobody but this server for it (`_sealing`).
"""

import hmac
import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from html import escape
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from dashboard.serving.access import ALL, LOOK, LOOPBACK_NAMES, RIGHTS_HEADER, Access, is_loopback
from dashboard.serving.peers import user_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CODE = "code"
"""The parameter of an address that brings the code."""
ANSWER = "http.response.start"
POLICY = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "frame-src 'none'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
"""What a browser may fetch, run and show for a page of ours (Content-Security-Policy), but for its connections.

Streamlit's page has a script in its text, and components' scripts are blobs. What makes code of a text (Vega, so
`st.line_chart` and its like) is not let to.
"""
FORWARDED = ("forwarded", "via", "x-forwarded-", "x-real-ip")
"""What the headers of a proxy begin with."""
READING = ("GET", "HEAD", "OPTIONS")
REFUSED = 1008
"""WebSocket's code for what a rule forbids."""
MISNAMED = "This dashboard does not go by the name {name}. It is reached as {names}; --name gives it another."
FOREIGN = "Only pages of this dashboard may ask it. Behind a proxy: it must hand on Host as it came, with the port."
NAMED = 3
"""Of the names that it is reached by, so many are told to whoever used another."""
LOOKING = "This dashboard may be looked at, not changed."
ASKED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Access code</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body{{font-family:sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem;line-height:1.5}}
input,button{{font:inherit;padding:.4rem .6rem}}input{{width:100%;box-sizing:border-box;margin:.5rem 0}}</style></head>
<body><main><h1>This dashboard belongs to another user</h1>
<p>{said} It stands in the terminal in which the dashboard was started.</p>
<form><label>Access code<input name="code" type="password" autofocus required></label>
<button>Open the dashboard</button></form></main></body></html>"""


class Door:
    """An ASGI app around another."""

    def __init__(self, app: App, *, access: Access) -> None:
        self._app = app
        self._access = access
        self._hosts = access.hosts()
        self._user = os.getuid() if hasattr(os, "getuid") else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or connection in, or turn it away."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        turned_away = self._why_not(headers)
        send = _sealing(send, None if turned_away else _place_in(headers["host"]))
        if turned_away is not None:
            await _refuse(scope, send, turned_away)
            return
        brought = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)).get(CODE)
        if scope["type"] == "http" and brought is not None and self._access.needs_code:
            await self._take(scope, send, brought)
            return
        rights = self._rights(scope, headers)
        if rights is None:
            await _ask(scope, send, "It opens with an access code.")
        elif rights == LOOK and scope["type"] == "http" and scope["method"] not in READING:
            await _refuse(scope, send, LOOKING)
        else:
            await self._app(_as_judged(scope, headers, rights), receive, send)

    def _why_not(self, headers: dict[str, str]) -> str | None:
        """Why whoever asks is turned away; None where this is a visitor like any other."""
        host = headers.get("host", "")
        place = _place_in(host)
        if place is None or place.name not in self._hosts:
            return MISNAMED.format(name=repr(host[:100]), names=" or ".join(self._told_names()))
        origin = headers.get("origin")
        if origin is not None and _origin_in(origin) not in (f"http://{place.text}", f"https://{place.text}"):
            return FOREIGN
        return None

    def _told_names(self) -> list[str]:
        """Some of the names that it is reached by, as they stand in an address: those of this machine alone last."""
        ranked = sorted(self._hosts, key=lambda name: (name in LOOPBACK_NAMES or is_loopback(name), ":" in name, name))
        return [_Place(name, None).text for name in ranked[:NAMED]]

    def _rights(self, scope: Scope, headers: dict[str, str]) -> str | None:
        """What a visitor may do; None: not even look."""
        knows = self._access.needs_code and self._is_code(_cookie(headers, self._access.cookie))
        if not self._access.is_local:
            return ALL if knows else LOOK
        return ALL if knows or self._is_owner(scope, headers) else None

    def _is_owner(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether the process at the other end is of the user who started this, and speaks for itself.

        What comes by another name than this machine's own, or with a proxy's headers, comes through a proxy, whoever
        started that; and of a request with such headers the web server tells another client than the one that sent it.
        """
        client, server, place = scope.get("client"), scope.get("server"), _place_in(headers["host"])
        if self._user is None or not client or not server or place is None:
            return False
        if place.name not in LOOPBACK_NAMES and not is_loopback(place.name):
            return False
        if any(name.startswith(FORWARDED) for name in headers):
            return False
        return user_of(tuple(client), tuple(server)) == self._user

    def _is_code(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._access.code.encode())

    async def _take(self, scope: Scope, send: Send, brought: str) -> None:
        """Keep the right code in a cookie and lead to the address without it."""
        if not self._is_code(brought):
            await _ask(scope, send, "That is not the access code.")
            return
        cookie = f"{self._access.cookie}={self._access.code}; Path=/; HttpOnly; SameSite=Strict"
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = urlencode([pair for pair in pairs if pair[0] != CODE])
        # of the address that was asked for, whatever path a proxy has put before it
        await _answer(send, HTTPStatus.SEE_OTHER, "", headers={"Location": f"?{query}", "Set-Cookie": cookie})


def _headers(scope: Scope) -> dict[str, str]:
    """The headers; of one that comes twice a value that fits nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key in found:
            text = f"{found[key]}; {text}" if key == "cookie" else "\0"
        found[key] = text
    return found


class _Place(NamedTuple):
    """A name and a port, in one spelling."""

    name: str
    port: int | None

    @property
    def text(self) -> str:
        """As it stands in a header."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def _place_in(host: str) -> _Place | None:
    """The place that a Host header names; None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        place = _Place((parts.hostname or "").rstrip("."), parts.port)
    except ValueError:
        return None
    is_bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return place if is_bare and place.name else None


def _origin_in(origin: str) -> str:
    """An Origin header in one spelling; empty where it is none."""
    scheme, separator, host = origin.partition("://")
    written = _host_in(host)
    return f"{scheme.lower()}{separator}{written}" if written else ""


def _host_in(host: str) -> str:
    """A Host header in one spelling; empty where it is none."""
    place = _place_in(host)
    return place.text if place else ""


def _cookie(headers: dict[str, str], name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _as_judged(scope: Scope, headers: dict[str, str], rights: str) -> Scope:
    """The same with its rights among its headers, and with what was compared as it was compared."""
    judged = {RIGHTS_HEADER.lower(): rights, "host": _host_in(headers["host"])}
    if "origin" in headers:
        judged["origin"] = _origin_in(headers["origin"])
    kept = [header for header in scope["headers"] if header[0].decode("latin-1").lower() not in judged]
    return {**scope, "headers": [*kept, *((name.encode(), value.encode("latin-1")) for name, value in judged.items())]}


def _sealing(send: Send, place: "_Place | None") -> Send:
    """Answers that say what a browser may do with them."""
    # 'self' is not of WebSocket for every browser; a policy has no word for an address of IPv6
    connections = "connect-src 'self' data: blob:"
    if place is not None and ":" not in place.name:
        connections += f" ws://{place.text} wss://{place.text}"
    policy = "; ".join((*POLICY, connections)).encode("latin-1")
    seal = [(b"content-security-policy", policy), (b"x-frame-options", b"DENY")]
    names = {name for name, _ in seal}

    async def sealed(message: MutableMapping[str, Any]) -> None:
        if message["type"] == ANSWER:
            kept = [header for header in message.get("headers", ()) if header[0].lower() not in names]
            message = {**message, "headers": [*kept, *seal]}
        await send(message)

    return sealed


async def _refuse(scope: Scope, send: Send, words: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": REFUSED})
    else:
        await _answer(send, HTTPStatus.FORBIDDEN, words, headers={"Content-Type": "text/plain; charset=utf-8"})


async def _ask(scope: Scope, send: Send, said: str) -> None:
    """Ask for the code."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": REFUSED})
        return
    page = ASKED.format(said=escape(said))
    await _answer(send, HTTPStatus.FORBIDDEN, page, headers={"Content-Type": "text/html; charset=utf-8"})


async def _answer(send: Send, status: HTTPStatus, text: str, *, headers: dict[str, str]) -> None:
    body = text.encode()
    safe = {**headers, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    pairs: Iterable[tuple[bytes, bytes]] = [(name.lower().encode(), value.encode()) for name, value in safe.items()]
    await send({"type": ANSWER, "status": int(status), "headers": list(pairs)})
    await send({"type": "http.response.body", "body": body})
