"""The door, asked over raw sockets: who is let in, and with what rights."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import uvicorn

from dashboard.__main__ import answers
from dashboard.serving.access import ALL, LOOK, RIGHTS_HEADER, Access
from dashboard.serving.door import Door
from dashboard.serving.peers import user_of

NOBODY = 65534
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - the door is what is tried
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
WHOLE = """c = socket.create_connection(place)
c.sendall(request)
sys.stdout.write(b"".join(iter(lambda: c.recv(65536), b"")).decode("latin-1"))
"""
HASTY = """for number in range(100):
    c = socket.create_connection(place)
    if number % 2:
        c.shutdown(socket.SHUT_RD)
    c.sendall(request)
    c.close()
"""
"""Does not wait for the answer: the system then lists what is left of its sockets as root's."""


async def tell_rights(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers with the rights that a request came in with."""
    rights = [value for name, value in scope["headers"] if name.decode().lower() == RIGHTS_HEADER.lower()]
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})
        return
    told = b",".join(rights)
    length = str(len(told)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": told})


async def tell_place(scope: Any, receive: Any, send: Any) -> None:
    """An app that answers with the Host and the Origin that a request came in with, and says that it may be framed."""
    headers = dict(scope["headers"])
    told = headers[b"host"] + b" " + headers.get(b"origin", b"")
    framed = [(b"X-Frame-Options", b"ALLOWALL"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": framed})
    await send({"type": "http.response.body", "body": told})


@contextmanager
def served(app: Any = tell_rights, **how: Any) -> Generator[Access]:
    """A door of its own before an app."""
    listening = socket.create_server((how.get("host", "127.0.0.1"), 0))
    access = Access(port=listening.getsockname()[1], **how)
    server = uvicorn.Server(uvicorn.Config(Door(app, access=access), log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    try:
        yield access
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="module")
def local() -> Iterator[Access]:
    with served() as access:
        yield access


@pytest.fixture(scope="module")
def told_place() -> Iterator[Access]:
    """Before an app that tells how it was asked."""
    with served(tell_place, names=("Chips.Example",)) as access:
        yield access


@pytest.fixture(scope="module")
def looked_at() -> Iterator[Access]:
    """For a network, by this machine's loopback address."""
    with served(host=ALL_ADDRESSES) as access:
        yield access


@pytest.fixture(scope="module")
def changeable() -> Iterator[Access]:
    with served(host=ALL_ADDRESSES, allow_changes=True) as access:
        yield access


def ask(access: Access, path: str = "/", *, method: str = "GET", host: str | None = None, **headers: str) -> str:
    """The whole answer to a request."""
    sent = {"Host": f"127.0.0.1:{access.port}" if host is None else host} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items() if value)]
    if "Upgrade" not in sent:
        lines.append("Connection: close")
    with closing(socket.create_connection(("127.0.0.1", access.port), timeout=20)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        if "Upgrade" in sent:  # what is said on a connection is of no account
            return connection.recv(65536).decode("latin-1")
        parts = iter(lambda: connection.recv(65536), b"")
        return b"".join(parts).decode("latin-1")


def status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


def body(answer: str) -> str:
    return answer.partition("\r\n\r\n")[2]


def connects(access: Access, **headers: str) -> bool:
    """Whether a WebSocket connection comes about."""
    return status(ask(access, "/_stcore/stream", **UPGRADE, **headers)) == 101


def asked_by_nobody(access: Access, path: str = "/", cookie: str = "", *, script: str = WHOLE, **headers: str) -> str:
    """What a script tells that another user of this machine runs: of a request its whole answer."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        pytest.skip("only root can ask as another user")
    whole = "import encodings.idna, os, socket, sys\nos.setgid(int(sys.argv[1]))\nos.setuid(int(sys.argv[1]))\n"
    whole += f"place, request = ('127.0.0.1', int(sys.argv[2])), sys.argv[3].encode()\n{script}"
    sent = {"Host": f"127.0.0.1:{access.port}", "Connection": "close", **({"Cookie": cookie} if cookie else {})}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = "\r\n".join([f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""])
    command = [sys.executable, "-I", "-c", whole, str(NOBODY), str(access.port), request]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()


def with_code(access: Access) -> str:
    """The cookie of one who knows the code."""
    return f"{access.cookie}={access.code}"


def test_the_owner_has_all_rights(local: Access) -> None:
    assert body(ask(local)) == ALL


def test_rights_that_a_request_brings_are_not_believed(looked_at: Access) -> None:
    assert body(ask(looked_at, **{RIGHTS_HEADER: ALL})) == LOOK


def test_another_user_of_the_machine_is_asked_for_the_code(local: Access) -> None:
    answer = asked_by_nobody(local)

    assert status(answer) == 403
    assert "Access code" in answer
    assert local.code not in answer


def test_a_user_who_closes_at_once_is_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    let_in: list[str] = []
    judged: list[int | None] = []

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        let_in.append(scope["path"])
        await tell_rights(scope, receive, send)

    def slowly(client: Any, server: Any) -> int | None:  # as under load: the other end has closed by then
        time.sleep(0.002)
        judged.append(user_of(client, server))
        return judged[-1]

    monkeypatch.setattr("dashboard.serving.door.user_of", slowly)
    with served(listen) as access:
        _ = asked_by_nobody(access, "/hasty", script=HASTY)
        assert body(ask(access, "/last")) == ALL

    assert len(judged) > 50
    assert set(judged) <= {None, NOBODY, os.getuid()}
    assert judged.count(os.getuid()) == 1
    assert let_in == ["/last"]


def test_nobody_speaks_for_another_s_connection(local: Access) -> None:
    with closing(socket.create_connection(("127.0.0.1", local.port))) as owners:
        place = f"127.0.0.1:{owners.getsockname()[1]}"
        assert status(asked_by_nobody(local, X_Forwarded_For=place)) == 403
        assert status(ask(local, X_Forwarded_For=place)) == 403


def test_the_code_lets_another_user_in_by_a_cookie(local: Access) -> None:
    answer = asked_by_nobody(local, f"/claims?on=digits&code={local.code}")
    cookie = next(line for line in answer.split("\r\n") if line.lower().startswith("set-cookie:"))

    assert status(answer) == 303
    assert "location: ?on=digits\r\n" in answer.lower()  # of the same path, whatever a proxy has put before it
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert body(asked_by_nobody(local, cookie=cookie.split(": ", 1)[1].split(";")[0])) == ALL


def test_a_wrong_code_opens_nothing(local: Access) -> None:
    assert status(asked_by_nobody(local, "/?code=guessed")) == 403
    assert status(asked_by_nobody(local, cookie=f"{local.cookie}=guessed")) == 403


def test_the_code_leads_to_no_other_server(local: Access) -> None:
    answer = ask(local, f"//evil.example?code={local.code}")
    (location,) = re.findall(r"(?im)^location: (.*)\r$", answer)

    assert urlsplit(urljoin(f"http://localhost:{local.port}//evil.example", location)).hostname == "localhost"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "a@127.0.0.1", "", "::"])
def test_another_name_reaches_nothing(local: Access, host: str) -> None:
    assert status(ask(local, host=host)) in (400, 403)
    assert not connects(local, host=host, Origin=f"http://{host}")


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "http://localhost", "null"])
def test_a_page_of_another_origin_reaches_nothing(local: Access, origin: str) -> None:
    assert not connects(local, Origin=origin)
    assert status(ask(local, method="PUT", Origin=origin)) == 403


def test_a_page_of_its_own_is_connected(local: Access) -> None:
    assert connects(local, Origin=f"http://127.0.0.1:{local.port}")
    assert connects(local, host=f"localhost:{local.port}", Origin=f"http://localhost:{local.port}")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("LOCALHOST.:{port}", "http://localhost.:{port}"),
        ("localhost:{port}", "HTTP://LocalHost:{port}"),
        ("Chips.Example", "https://CHIPS.example."),
        ("127.0.0.1:0{port}", "http://127.0.0.1:{port}"),
        ("[::1]:{port}", "http://[::1]:{port}"),
    ],
)
def test_what_was_compared_is_handed_on_in_one_spelling(told_place: Access, host: str, origin: str) -> None:
    port = told_place.port
    answer = ask(told_place, host=host.format(port=port), Origin=origin.format(port=port), Cookie=with_code(told_place))
    handed_host, _, handed_origin = body(answer).partition(" ")

    assert urlsplit(handed_origin).netloc == handed_host
    assert handed_host.partition(":")[0] in ("localhost", "chips.example", "127.0.0.1", "[")


@pytest.mark.parametrize(
    "origin", ["http://[", "http://a@localhost", "localhost", "file://localhost", "http://localhost/x"]
)
def test_an_origin_that_is_none_is_foreign(told_place: Access, origin: str) -> None:
    assert status(ask(told_place, host="localhost", Origin=origin, Cookie=with_code(told_place))) == 403


def test_every_answer_forbids_to_frame_it_and_to_ask_others(told_place: Access) -> None:
    for answer in (
        ask(told_place),
        ask(told_place, host="evil.example"),
        ask(told_place, X_Forwarded_For="192.0.2.1"),
        ask(told_place, f"/?code={told_place.code}"),
    ):
        head = answer.partition("\r\n\r\n")[0].lower().split("\r\n")
        (policy,) = [line for line in head if line.startswith("content-security-policy: ")]
        assert [line for line in head if line.startswith("x-frame-options")] == ["x-frame-options: deny"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'self';" in policy
        assert not re.search(r"\*|https?:|unsafe-eval", policy)
        assert "evil.example" not in policy
    assert f"connect-src 'self' data: blob: ws://127.0.0.1:{told_place.port} " in ask(told_place)


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1.2.3"])
def test_every_address_of_this_machine_alone_can_be_listened_at(host: str) -> None:
    with served(host=host) as access, closing(socket.create_connection((host, access.port), timeout=20)) as connection:
        request = f"GET / HTTP/1.1\r\nHost: {host}:{access.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        assert body(b"".join(iter(lambda: connection.recv(65536), b"")).decode()) == ALL


def test_a_dashboard_is_told_of_also_where_nobody_tells_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.serving.peers.TABLES", {})
    with served() as access:
        assert status(ask(access)) == 403
        assert answers(access)
    assert not answers(access)


def test_a_stranger_is_told_few_names_and_no_hardware_address(looked_at: Access) -> None:
    said = body(ask(looked_at, host="evil.example"))

    assert len(said) < 300
    assert not re.search(r"(?i)\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", said)
    assert not any(re.fullmatch(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", name) for name in looked_at.hosts())


def test_no_name_is_looked_up_whatever_comes(local: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    own = {"127.0.0.1"}
    resolve = socket.getaddrinfo

    def watch(host: object, *rest: Any, **named: Any) -> Any:
        if host not in own:
            asked.append(host)
        return resolve(host, *rest, **named)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(socket, "getaddrinfo", watch)
    monkeypatch.setattr(socket, "gethostbyname", asked.append)

    for origin in ("http://evil.example", f"http://evil.example:{local.port}", "null"):
        assert not connects(local, Origin=origin)
        assert not connects(local, host="evil.example", Origin=origin)
    assert asked == []


def test_over_a_network_everybody_may_look_and_nobody_send(looked_at: Access) -> None:
    assert body(ask(looked_at)) == LOOK
    assert status(ask(looked_at, method="PUT")) == 403
    assert status(ask(looked_at, method="DELETE")) == 403


def test_where_nobody_may_change_the_code_changes_nothing(looked_at: Access) -> None:
    assert body(ask(looked_at, Cookie=f"{looked_at.cookie}={looked_at.code}")) == LOOK


def test_over_a_network_the_code_allows_changes_where_they_are_allowed(changeable: Access) -> None:
    assert body(ask(changeable)) == LOOK
    assert body(ask(changeable, Cookie=f"{changeable.cookie}={changeable.code}")) == ALL
    assert body(ask(changeable, Cookie=f"{changeable.cookie}=guessed")) == LOOK


def test_a_proxy_s_name_is_one_of_its_own() -> None:
    with served(host=ALL_ADDRESSES, names=("chips.example",)) as access:
        assert body(ask(access, host="chips.example", Origin="https://chips.example")) == LOOK
        assert status(ask(access, host="other.example")) == 403


def test_what_comes_through_a_proxy_is_not_the_owner_whoever_started_that() -> None:
    with served(names=("chips.example",)) as access:
        cookie = f"{access.cookie}={access.code}"
        assert body(ask(access)) == ALL
        assert status(ask(access, host="chips.example")) == 403
        assert body(ask(access, host="chips.example", Cookie=cookie)) == ALL


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["v4", "v6"]
)
def test_the_user_at_the_other_end_is_known(family: socket.AddressFamily, address: str) -> None:
    if sys.platform != "linux":
        pytest.skip("read from Linux's table of connections")
    try:
        listening = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with closing(listening), closing(socket.create_connection(listening.getsockname()[:2])) as client:
        place, server = client.getsockname()[:2], listening.getsockname()[:2]
        assert user_of(place, server) == os.getuid()
        assert user_of((address, place[1]), ("192.0.2.1", server[1])) is None


def test_every_dashboard_has_a_code_of_its_own() -> None:
    codes = {Access().code for _ in range(20)}

    assert len(codes) == 20
    assert min(map(len, codes)) >= 32
    assert all(code not in repr(Access(code=code)) for code in codes)
