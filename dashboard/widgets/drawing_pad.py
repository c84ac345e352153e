"""A square to draw on with the mouse, a pen or a finger."""

import base64
import binascii

from streamlit.components.v2 import component

from dashboard.data.opened_chips import Ink

SIDE = 56
"""Pixels a side of what is handed over: several times those of the networks' images."""
HTML = """
<canvas width="224" height="224" role="img" aria-label="Draw here"></canvas>
<button type="button">Clear</button>
"""
STYLE = """
canvas {
  display: block; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  color: var(--st-text-color); cursor: crosshair; touch-action: none; width: 224px; height: 224px;
}
button {
  font: inherit; color: var(--st-text-color); background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.25rem 0.75rem;
  margin-top: 0.5rem;
}
"""
SCRIPT = """
export default function ({ data, parentElement, setStateValue }) {
  const canvas = parentElement.querySelector("canvas"), clear = parentElement.querySelector("button");
  const pen = canvas.getContext("2d");
  const place = event => {
    const box = canvas.getBoundingClientRect();
    const scale = canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  };
  const line = (from, to) => {
    pen.lineWidth = canvas.width / 10;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  };
  const hand = () => {  // how opaque each pixel is, whatever the theme's colours
    const small = document.createElement("canvas");
    small.width = small.height = data.side;
    const view = small.getContext("2d");
    view.drawImage(canvas, 0, 0, data.side, data.side);
    const pixels = view.getImageData(0, 0, data.side, data.side).data;
    let bytes = "";
    for (let alpha = 3; alpha < pixels.length; alpha += 4) bytes += String.fromCharCode(pixels[alpha]);
    setStateValue("ink", btoa(bytes));
  };
  let last = null;
  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
  };
  canvas.onpointermove = event => {
    if (last === null) return;
    const next = place(event);
    line(last, next);
    last = next;
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (last === null) return;
    last = null;
    hand();
  };
  clear.onclick = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    setStateValue("ink", "");
  };
}
"""
_pad = component("drawing_pad", html=HTML, css=STYLE, js=SCRIPT)


def drawing_pad(key: str) -> Ink | None:
    """Draw the square; returns what is drawn on it, None while that is nothing."""
    pad = _pad(key=key, data={"side": SIDE}, on_ink_change=lambda: None, height="content", width="content")
    return _read(pad.ink)


def _read(said: object) -> Ink | None:
    """What the browser handed over; nothing but a square of the expected size is taken."""
    try:
        pixels = base64.b64decode(str(said or ""), validate=True)
    except binascii.Error:
        return None
    if len(pixels) != SIDE**2 or not any(pixels):
        return None
    return Ink(pixels)
