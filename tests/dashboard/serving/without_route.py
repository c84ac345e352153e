"""Ask a real dashboard where there is no way out: `python -m tests.dashboard.serving.without_route FOLDER`, in a
namespace of `alone`.

It starts the dashboard for a network from that folder, sends it whatever a header, an address or a form may hold, opens
every page, and prints what came of it as JSON.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from itertools import product
from pathlib import Path
from urllib.parse import quote

from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboard.pages import Page
from tests.dashboard.serving.alone import sent_outwards
from tests.dashboard.serving.visitors import VisitError, Visitor

PORT = 8501
"""Nobody else is in the namespace."""
OWN = f"127.0.0.1:{PORT}"
STREAM = "/_stcore/stream"
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
HOSTS = (
    OWN,
    f"LOCALHOST.:{PORT}",
    f"LocalHost:{PORT}",
    f"localhost..:0{PORT}",
    "localhost",
    "chips.example",
    "CHIPS.EXAMPLE.",
    f"Chips.Example:{PORT}",
    f"[::1]:{PORT}",
    "[0:0::1]",
    f"evil.example:{PORT}",
    f"evil@localhost:{PORT}",
    "8.8.8.8",
)
ORIGINS = (
    "http://{host}",
    "https://{host}",
    "HTTP://{host}",
    "http://{host}/",
    f"http://localhost:{PORT}",
    f"http://localhost.:{PORT}",
    f"http://Localhost:{PORT}",
    f"http://LOCALHOST.:{PORT}",
    "https://Chips.Example",
    "http://evil.example",
    f"http://evil@{OWN}",
    "http://[",
    "null",
)
PATHS = (
    "//evil.example/",
    "http://evil.example/",
    "/?run=http://evil.example/run.zip&find=//evil.example&stds=http://evil.example",
    "/app/static/../../evil",
    "/_stcore/agent/interact",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/component/http://evil.example/index.html",
    "/media/http://evil.example/picture.png",
    "/oauth2callback?code=1&state=http://evil.example",
    "/auth/login?provider=http://evil.example",
)
BROUGHT = (
    "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n",
    "Forwarded: for=8.8.8.8;host=evil.example\r\n",
    "Referer: http://evil.example/\r\n",
    "Cookie: _streamlit_user=http://evil.example\r\n",
)
QUERY = "run={there}&like={there}&find={there}&called={there}&at={there}".format(
    there=quote("![x](http://evil.example/x.png)")
)


def main(folder: Path) -> None:
    """Start, ask, stop, and say what came of it."""
    log = folder / "server.log"
    options = ["--host", "0.0.0.0", "--allow-changes", "--name", "Chips.Example", "--port", str(PORT), "--no-browser"]  # noqa: S104 - nobody else is there
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "neft", "dashboard", *options], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        code = _code(process, log)
        statuses = Counter(map(_status, _requests(code)))
        agent = _status(
            f"POST /_stcore/agent/interact HTTP/1.1\r\nHost: {OWN}\r\n{_form('{}', 'application/json', code)}"
        )
        pages, received = asyncio.run(_visit())
    finally:
        process.terminate()
        _ = process.wait(timeout=30)
    sent = sent_outwards()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as outwards:
        counts = outwards.connect_ex(("8.8.8.8", 1)) != 0 and sent_outwards() == sent + 1
    told = {
        "sent": sent,
        "counts": counts,
        "statuses": statuses,
        "agent": agent,
        "pages": pages,
        "foreign": b"evil.example" in received,
        "log": log.read_text(encoding="utf-8"),
    }
    print(json.dumps(told))  # noqa: T201 - for the test


def _code(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The code that it prints once it answers."""
    for _ in range(600):
        found = re.search(r"code=(\S+)", log.read_text(encoding="utf-8"))
        if found:
            return found[1]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


def _requests(code: str) -> list[str]:
    """Everything that is sent to it."""
    found = [
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin.format(host=host)}\r\n{more}\r\n"
        for host, origin in product(HOSTS, ORIGINS)
        for path, more in ((STREAM, UPGRADE), ("/_stcore/health", "Connection: close\r\n"))
    ]
    found += [f"GET {path} HTTP/1.1\r\nHost: {OWN}\r\nConnection: close\r\n\r\n" for path in PATHS]
    found += [f"GET {STREAM} HTTP/1.1\r\nHost: {OWN}\r\n{UPGRADE}{brought}\r\n" for brought in BROUGHT]
    upload = "--b\r\nContent-Disposition: form-data; name=f; filename=http://evil.example/f\r\n\r\nx\r\n--b--\r\n"
    found += [
        f"{method} /_stcore/upload_file/{place}/f HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
        + _form(upload, "multipart/form-data; boundary=b", code)
        for method, place, host in product(("PUT", "DELETE", "OPTIONS"), ("s", "http:%2F%2Fevil.example"), HOSTS[:3])
    ]
    return found


def _form(body: str, kind: str, code: str) -> str:
    """The rest of a request by one who may change things."""
    cookie = f"neft_code_{PORT}={code}"
    return f"Cookie: {cookie}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"


def _status(request: str) -> int:
    """How it answers; 0 where it does not."""
    with closing(socket.create_connection(("127.0.0.1", PORT), timeout=60)) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(64)
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


async def _visit() -> tuple[dict[str, str], bytes]:
    """What each page says is wrong, by its address, and what the first message of a session holds."""
    told: dict[str, str] = {}
    for page in Page:
        visitor = await Visitor.come(f"http://{OWN}")
        try:
            await visitor.open(page.path, QUERY)
        except VisitError as error:
            told[page.path] = str(error)
        finally:
            await visitor.leave()
    first = await Visitor.come(f"http://{OWN}")
    asked = BackMsg()
    asked.rerun_script.page_name = "glossary"
    await first.connection.send(asked.SerializeToString())
    session = await first.connection.recv()
    await first.leave()
    assert isinstance(session, bytes)
    return told, session


if __name__ == "__main__":
    main(Path(sys.argv[1]))
