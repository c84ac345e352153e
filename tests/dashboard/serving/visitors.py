"""A browser's session without the browser: Streamlit's messages over its WebSocket, as a page's own script sends them.

Thirty browsers on one machine measure browsers; thirty of these measure the server. One keeps what a page keeps: the
elements that stand, by their place; the values of its widgets, which every click sends along; the address; and the
messages that it has seen, which the server then names by their hash.
"""

import asyncio
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Self
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

DEADLINE = 120.0
"""Seconds after which a page that has not come is an error."""
AGE = 2
"""Runs for which a message that is not shown any more is remembered (Streamlit's `global.maxCachedMessageAge`)."""
VALUED = ("selectbox", "radio", "button_group", "slider", "text_input", "file_uploader", "checkbox")
"""Elements that hold a value, of those that visitors use."""


class VisitError(Exception):
    """A page that said something is wrong, or did not come."""


@dataclass
class Visitor:
    """One session."""

    connection: ClientConnection
    url: str
    elements: dict[tuple[int, ...], Element] = field(default_factory=dict[tuple[int, ...], Element])
    """By their place on the page; of the last run."""
    pages: dict[str, str] = field(default_factory=dict[str, str])
    """The hashes of pages by their addresses."""
    query: str = ""
    received: int = 0
    """Bytes."""
    session_id: str = ""
    _page: str = ""
    _values: dict[str, WidgetState] = field(default_factory=dict[str, WidgetState])
    _seen: dict[str, tuple[ForwardMsg, int]] = field(default_factory=dict[str, tuple[ForwardMsg, int]])
    _run: int = 0
    _fresh: dict[tuple[int, ...], Element] = field(default_factory=dict[tuple[int, ...], Element])
    """Of the run that is under way."""

    @classmethod
    async def come(cls, url: str, query: str = "") -> Self:
        """Connect to a dashboard; no page is asked for yet."""
        address = f"ws://{urlsplit(url).netloc}/_stcore/stream"
        connection = await connect(address, origin=url, max_size=None, compression=None, ping_interval=None)  # pyright: ignore[reportArgumentType]
        return cls(connection, url, query=query)

    async def leave(self) -> None:
        """Close the tab."""
        await self.connection.close()

    # ------------------------------------------------------------ what is asked
    async def open(self, page: str = "", query: str | None = None) -> None:
        """Open a page by its address, and wait until it stands.

        Raises:
            VisitError: it does not come, or shows an error.
        """
        if query is not None:
            self.query = query
        self._page = self.pages.get(page, "")
        await self._ask(page_name="" if self._page else page)

    async def choose(self, key: str, value: object) -> None:
        """Give a widget another value, and wait for the page that shows it.

        Args:
            key: of the widget.
            value: a text; for choices of several, texts; for a field of files what `upload` returned.

        Raises:
            VisitError: as for `open`; or there is no such widget.
        """
        await self.set(key, value)
        await self.stands()

    async def set(self, key: str, value: object) -> None:
        """Give a widget another value, and do not wait.

        Raises:
            VisitError: there is no such widget.
        """
        widget = self.widget(key)
        self._values[widget.id] = _state(widget, value)
        await self._send(BackMsg())

    async def press(self, key: str) -> None:
        """Press a button, and wait for the page.

        Raises:
            VisitError: as for `choose`.
        """
        pressed = WidgetState(id=self.widget(key).id, trigger_value=True)
        await self._send(BackMsg(), pressed)
        await self.stands()

    async def upload(self, key: str, name: str, content: bytes) -> None:
        """Hand a file to a field of files, and wait for the page.

        Raises:
            VisitError: as for `choose`.
        """
        message = BackMsg()
        message.file_urls_request.request_id = name
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session_id
        await self.connection.send(message.SerializeToString())
        while True:
            answer = await self._next()
            if answer.WhichOneof("type") == "file_urls_response":
                break
        urls = answer.file_urls_response.file_urls[0]
        _ = await asyncio.to_thread(_put, self.url, urls.upload_url, name, content)
        widget = self.widget(key)
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(content), urls.file_id
        info.file_urls.CopyFrom(urls)
        self._values[widget.id] = state
        await self._send(BackMsg())
        await self.stands()

    async def stands(self) -> None:
        """Wait until the server has run the page to its end.

        Raises:
            VisitError: it does not come, or shows an error.
        """
        await self._until_finished()
        wrong = self.errors()
        if wrong:
            raise VisitError("; ".join(wrong))

    # ------------------------------------------------------------ what is shown
    def widget(self, key: str) -> Any:
        """The message of a widget.

        Raises:
            VisitError: no widget of that key stands.
        """
        for _kind, widget in self._shown():
            if _key_of(widget) == key or getattr(widget, "label", None) == key:
                return widget
        known = sorted(filter(None, (_key_of(widget) for _, widget in self._shown())))
        message = f"no widget {key!r} on this page; it has {', '.join(known)}"
        raise VisitError(message)

    def value(self, key: str) -> list[str]:
        """What a widget of texts holds."""
        state = self._values[self.widget(key).id]
        name = state.WhichOneof("value")
        return list(state.string_array_value.data) if name == "string_array_value" else [state.string_value]

    def options(self, key: str) -> list[str]:
        """What a widget offers."""
        return [getattr(one, "content", one) for one in self.widget(key).options]

    def charts(self) -> dict[str, str]:
        """The figures of charts as JSON, by their keys."""
        return {
            _key_of(shown): shown.spec
            for kind, shown in self._shown()
            if kind == "plotly_chart" and _key_of(shown).startswith("chart_")
        }

    def texts(self) -> list[str]:
        """Everything written on the page."""
        kinds = {"markdown": "body", "heading": "body", "html": "body", "alert": "body"}
        return [str(getattr(shown, kinds[kind])) for kind, shown in self._shown() if kind in kinds]

    def errors(self) -> list[str]:
        """What the page says is wrong."""
        shown = [(kind, one) for kind, one in self._shown() if kind in ("exception", "alert")]
        return [
            one.message if kind == "exception" else one.body
            for kind, one in shown
            if kind == "exception" or one.format == one.ERROR
        ]

    def _shown(self) -> Iterable[tuple[str, Any]]:
        for element in self.elements.values():
            kind = element.WhichOneof("type")
            if kind is not None:
                yield kind, getattr(element, kind)

    # ------------------------------------------------------------ the protocol
    async def _ask(self, page_name: str = "") -> None:
        message = BackMsg()
        message.rerun_script.page_name = page_name
        await self._send(message)
        await self.stands()

    async def _send(self, message: BackMsg, *beside: WidgetState) -> None:
        state = message.rerun_script
        state.query_string = self.query
        state.page_script_hash = self._page
        state.widget_states.widgets.extend([*self._values.values(), *beside])
        state.cached_message_hashes.extend(self._seen)
        state.context_info.color_scheme = "light"
        state.context_info.timezone = "UTC"
        state.context_info.url = self.url
        await self.connection.send(message.SerializeToString())

    async def _until_finished(self) -> None:
        while True:
            message = await self._next()
            if message.WhichOneof("type") == "script_finished":
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue  # a newer click goes before
                if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                    wrong = "the page's script does not compile"
                    raise VisitError(wrong)
                is_part = message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
                self.elements = {**(self.elements if is_part else {}), **self._fresh}
                self._forget_old()
                return

    async def _next(self) -> ForwardMsg:
        try:
            data = await asyncio.wait_for(self.connection.recv(), DEADLINE)
        except TimeoutError as error:
            message = f"nothing came within {DEADLINE:g} s"
            raise VisitError(message) from error
        assert isinstance(data, bytes)
        self.received += len(data)
        message = ForwardMsg()
        _ = message.ParseFromString(data)
        if message.WhichOneof("type") == "ref_hash":
            known = self._seen[message.ref_hash][0]
            whole = ForwardMsg()
            whole.CopyFrom(known)
            whole.metadata.CopyFrom(message.metadata)
            self._seen[message.ref_hash] = (known, self._run)
            message = whole
        elif message.metadata.cacheable:
            self._seen[message.hash] = (message, self._run)
        self._take(message)
        return message

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session_id = message.new_session.initialize.session_id or self.session_id
            self._page = message.new_session.page_script_hash
            self._run += 1
            self._fresh = {}
        elif kind == "navigation":
            self.pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            self.pages[""] = next(page.page_script_hash for page in message.navigation.app_pages if page.is_default)
            self._page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._place(tuple(message.metadata.delta_path), message.delta.new_element)

    def _place(self, place: tuple[int, ...], element: Element) -> None:
        self._fresh[place] = element
        kind = element.WhichOneof("type")
        if kind in VALUED:
            widget = getattr(element, kind)
            if getattr(widget, "set_value", False) or widget.id not in self._values:  # a field of files has none
                held = _held(kind, widget)
                if held is not None:
                    self._values[widget.id] = held

    def _forget_old(self) -> None:
        self._seen = {name: (one, run) for name, (one, run) in self._seen.items() if self._run - run < AGE}


def _key_of(widget: Any) -> str:
    """The key of a widget: Streamlit writes it behind its hash."""
    name = str(getattr(widget, "id", ""))
    parts = name.split("-", 2)
    return parts[2] if name.startswith("$$ID-") and len(parts) == 3 and parts[2] != "None" else ""


def _held(kind: str, widget: Any) -> WidgetState | None:
    """What a widget holds before anybody touched it, or what the server put into it."""
    readers: dict[str, Callable[[Any], object]] = {
        "selectbox": lambda one: one.raw_value if one.set_value else _first(one.options, one.default),
        "radio": _of_radio,
        "button_group": lambda one: (
            list(one.raw_values) if one.set_value else [one.options[place].content for place in one.default]
        ),
        "slider": lambda one: (
            list(one.raw_value) if one.set_value else [one.options[int(place)] for place in one.default]
        ),
        "text_input": lambda one: one.value if one.set_value else one.default,
        "checkbox": lambda one: one.value if one.set_value else one.default,
        "file_uploader": lambda _one: None,
    }
    if kind == "slider" and not widget.options:
        numbers = widget.value if widget.set_value else widget.default
        state = WidgetState(id=widget.id)
        state.double_array_value.data.extend(numbers)
        return state
    value = readers[kind](widget)
    return None if value is None else _state(widget, value)


def _first(options: Any, place: int) -> str | None:
    return options[place] if len(options) > place else None


def _of_radio(one: Any) -> object:
    return one.raw_value if one.set_value and hasattr(one, "raw_value") else _first(one.options, one.default)


def _state(widget: Any, value: object) -> WidgetState:
    state = WidgetState(id=widget.id)
    if isinstance(value, bool):
        state.bool_value = value
    elif isinstance(value, str):
        name = widget.DESCRIPTOR.name
        if name in ("ButtonGroup", "Slider"):
            state.string_array_value.data.append(value)
        else:
            state.string_value = value
    elif isinstance(value, (list, tuple)):
        state.string_array_value.data.extend(value)
    else:
        message = f"a value of type {type(value).__name__} is none of a widget that visitors use"
        raise TypeError(message)
    return state


def _put(url: str, path: str, name: str, content: bytes) -> None:
    """Send a file as a form, as the page does: with the token that the server gave, as a cookie and as a header."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=60) as answer:
        cookie = SimpleCookie(answer.headers["Set-Cookie"])["_streamlit_xsrf"].coded_value
    mark = "visitor0boundary"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
    body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + f"\r\n--{mark}--\r\n".encode()
    asked = urllib.request.Request(f"{url}{path}", body, method="PUT")
    asked.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
    asked.add_header("Cookie", f"_streamlit_xsrf={cookie}")
    asked.add_header("X-Xsrftoken", cookie.strip('"'))
    with urllib.request.urlopen(asked, timeout=60) as answer:
        _ = answer.read()
