"""A play button: every chart of a page moves through the stops of its slider together, five frames a second.

A round trip to the server takes longer than a frame, and so does drawing a chart. The charts of all stops are therefore
made at the first click; the browser makes pictures of them, with Plotly's own script, and shows these over the page's
charts. Words of cards move along, what has no frames is hidden meanwhile. When it is stopped, the slider goes where the
last frame was, and the server draws the page there as ever.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard.data.caches import fingerprint
from dashboard.widgets import streamlit_parts as parts
from dashboard.widgets.chart_card import rehearsed_cards
from dashboard.widgets.presenter import is_presenting
from dashboard.widgets.theme_mode import theme_mode

FRAME_MS = 200
"""Five frames a second."""
TRIANGLE = '<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M1 0 10 5 1 10z"/></svg>'
SQUARE = '<svg viewBox="0 0 10 10" aria-hidden="true"><path d="M1 1h8v8H1z"/></svg>'
HTML = '<button type="button"></button><output></output>'
STYLE = """
:host { display: block; }
button {
  font: inherit; color: var(--st-text-color); background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.25rem 0.75rem;
  min-height: 2.5rem;
}
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
svg { width: 0.7em; height: 0.7em; fill: currentColor; margin-right: 0.3em; }
sub { line-height: 0; }
output { margin-left: 0.75rem; font-variant-numeric: tabular-nums; }
"""
SCRIPT = """
const MOVING = `
  [data-neft-playing] {MAIN} {ELEMENT}:not(:has(
    .js-plotly-plot, .neft-frame, {COMPONENT})),
  [data-neft-playing] .neft-absent, [data-neft-playing] .neft-slider { opacity: 0; }
  .neft-worded > :not(.neft-frame) { display: none !important; }
  .neft-drawn { position: relative; }
  .neft-drawn > .neft-frame { position: absolute; inset: 0; z-index: 2; background: var(--st-background-color, #fff); }
  .neft-frame > img { display: block; }`;
const root = document.documentElement;
const plotOf = key => document.querySelector(`.st-key-chart_${key} .js-plotly-plot`);
const axesOf = layout => Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name));
const frameIn = (place, kind) => {
  let frame = [...place.children].find(child => child.className === "neft-frame");
  if (!frame) {
    frame = document.createElement("div");
    frame.className = "neft-frame";
    place.append(frame);
    place.classList.add(kind);
  }
  return frame;
};

function keepAxes(stops) {  // each axis as wide as at its widest: else it would jump, and the marks stand still
  const ranges = {};
  const each = visit => stops.forEach(({ charts }) => Object.entries(charts).forEach(([key, { layout }]) =>
    axesOf(layout).forEach(([name, axis]) => {
      if (Array.isArray(axis.range) && axis.range.every(Number.isFinite)) visit(`${key} ${name}`, axis);
    })));
  each((place, { range: [from, to] }) => {
    const [start, end] = ranges[place] ?? [from, to];
    const [outer, inner] = from <= to ? [Math.min, Math.max] : [Math.max, Math.min];
    ranges[place] = [outer(start, from), inner(end, to)];
  });
  each((place, axis) => { axis.range = ranges[place]; });
}

async function pictures(stops, tell) {  // one picture a chart and stop; what does not change is drawn once
  keepAxes(stops);
  const known = {};
  for (const [place, stop] of stops.entries()) {
    tell(place + 1);
    stop.pictures = {};
    for (const [key, { data, layout }] of Object.entries(stop.charts)) {
      const plot = plotOf(key);
      if (!plot) continue;
      const { width, height, paper_bgcolor: ground } = plot._fullLayout, made = JSON.stringify([key, data, layout]);
      if (!known[made]) {
        const picture = new Image(width, height);
        picture.alt = "";
        picture.style.background = ground;
        picture.src = await window.Plotly.toImage({ data, layout }, { format: "svg", width, height });
        await picture.decode();
        known[made] = picture;
      }
      stop.pictures[key] = known[made];
    }
  }
}

function show(stop) {
  for (const key of stop.keys) {
    const place = plotOf(key)?.parentElement, picture = stop.pictures[key];
    place?.classList.toggle("neft-absent", !picture);
    if (place && picture) frameIn(place, "neft-drawn").replaceChildren(picture);
  }
  for (const [name, html] of Object.entries(stop.words)) {
    const place = document.querySelector(name);
    if (place) frameIn(place, "neft-worded").innerHTML = html;
  }
}

function uncover() {
  delete root.dataset.neftPlaying;
  document.querySelectorAll(".neft-frame").forEach(frame => frame.remove());
  for (const name of ["neft-worded", "neft-drawn", "neft-absent"]) {
    document.querySelectorAll(`.${name}`).forEach(place => place.classList.remove(name));
  }
}

function settle(until) {  // the last frame stays until the server has drawn the same
  const isIdle = document.querySelector("{APP}")?.dataset.{STATE} === "{DRAWN}";
  if (isIdle || performance.now() > until) uncover();
  else setTimeout(settle, 50, until);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const button = parentElement.querySelector("button"), told = parentElement.querySelector("output");
  const player = (parentElement.neftPlayer ??= { stops: null, made: null, timer: null, place: 0 });
  player.data = data;
  const label = () => {
    button.innerHTML = player.timer ? data.stop : data.play;
    told.innerHTML = player.timer ? data.symbol + player.stops[player.place].name : "";
  };
  const halt = () => {
    clearTimeout(player.timer);
    player.timer = null;
    label();
  };
  const step = () => {
    show(player.stops[player.place]);
    player.times.push(performance.now());
    button.dataset.frames = JSON.stringify(player.times.slice(-50));
    const isLast = player.place + 1 === player.stops.length, rest = isLast ? 5 * data.frame_ms : data.frame_ms;
    player.timer = setTimeout(() => {
      player.place = isLast ? 0 : player.place + 1;
      step();
    }, rest);
    label();
  };
  const start = () => {
    root.dataset.neftPlaying = "";
    document.querySelector(`.st-key-${data.slider}`)?.classList.add("neft-slider");
    player.times = [];
    player.place = 0;
    step();
  };
  const prepare = async () => {
    player.made = data.made;
    player.stops = JSON.parse(data.stops);
    await pictures(player.stops, place => { button.textContent = `${data.wait} ${place}/${player.stops.length}`; });
    if (player.made === player.data.made && parentElement.isConnected !== false) start();
    else label();
  };
  if (!document.getElementById("neft-player")) {
    const style = document.createElement("style");
    style.id = "neft-player";
    style.textContent = MOVING;
    document.head.append(style);
  }
  button.onclick = () => {
    if (player.timer) {
      const stop = player.stops[player.place];
      halt();
      player.isSettling = stop.name !== data.at;
      if (player.isSettling) setTriggerValue("stop", stop.name);
      else uncover();
    } else if (player.stops && player.made === data.made) start();
    else {
      button.textContent = data.wait;
      setTriggerValue("play", true);
    }
  };
  if (data.stops) prepare();
  else {
    if (player.timer && player.made !== data.made) {  // the page shows something else now
      halt();
      player.isSettling = true;
    }
    if (player.isSettling) {
      player.isSettling = false;
      settle(performance.now() + 10000);
    }
    label();
  }
  return () => {
    if (player.timer) {
      halt();
      uncover();
    }
  };
}
"""
_player = component("player", html=HTML, css=STYLE, js=parts.filled(SCRIPT))
Tell = Callable[[str], Mapping[str, str]]
"""HTML at a stop of the slider, by the CSS selector of the element whose words it stands for."""


def player(*, slider: str, stops: Sequence[str], at: str, draw: Callable[[str], None], tell: Tell) -> None:
    """Draw the button in the current container.

    Args:
        slider: the key of the slider that it moves, of texts.
        stops: the slider's, in order.
        at: the stop that the page is drawn at.
        draw: draws the cards of a stop, and nothing else; called while nothing is shown.
        tell: the page's words at a stop beside those of its cards.
    """
    if len(stops) == 1:
        return
    wanted, place = f"{slider}_frames_wanted", f"player_{slider}"

    def want() -> None:
        st.session_state[wanted] = True

    def stop() -> None:
        said = st.session_state[place].stop
        if said in stops:
            st.session_state[slider] = said

    data: dict[str, Any] = {
        "slider": slider,
        "at": at,
        "made": _made(slider, stops),
        "frame_ms": FRAME_MS,
        "symbol": "σ<sub>d</sub> = ",
        "play": f"{TRIANGLE} Play σ<sub>d</sub>",
        "stop": f"{SQUARE} Stop here",
        "wait": "Drawing the frames …",
    }
    if st.session_state.pop(wanted, False):
        data["stops"] = json.dumps([_frame(stop, draw, tell) for stop in stops])
    _ = _player(key=place, data=data, on_play_change=want, on_stop_change=stop, height="content")


def _frame(stop: str, draw: Callable[[str], None], tell: Tell) -> dict[str, Any]:
    """What the page shows at one stop: its charts by the keys of their cards, and its words as HTML by selector."""
    from dashboard.report.markdown import inline_html, markdown_html  # noqa: PLC0415 - what writes documents is needed at a click alone

    with rehearsed_cards() as rehearsed:
        draw(stop)
    words = dict(tell(stop))
    for card in rehearsed.cards:
        place = f".st-key-card_{card.key}"
        words[f"{place} h2"] = inline_html(card.question)
        words[f"{place} {parts.CAPTION}"] = markdown_html(card.caption)
    return {
        "name": stop,
        "keys": [card.key for card in rehearsed.cards],
        "charts": {key: json.loads(str(figure.to_json())) for key, figure in rehearsed.figures.items()},
        "words": words,
    }


def _made(slider: str, stops: Sequence[str]) -> str:
    """Changes with all that frames depend on: what the address holds but for the slider, the theme, the stores."""
    rest = sorted((key, st.query_params.get_all(key)) for key in st.query_params if key != slider)
    told = (rest, list(stops), theme_mode(), is_presenting(), fingerprint())
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
