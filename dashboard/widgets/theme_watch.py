"""Draws the page anew when the browser goes from light to dark or back: charts have the colours of one of them."""

from streamlit.components.v2 import component

from dashboard.widgets.theme_mode import theme_mode

KEY = "theme_watch"
STYLE = "i { position: absolute; color: var(--st-background-color); transition: color 1ms; }"
WATCH = """
export default function ({ data, parentElement, setTriggerValue }) {
  const probe = parentElement.querySelector("i");
  const look = () => {
    const [red, green, blue] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    const mode = red + green + blue > 382 ? "light" : "dark";
    if (mode !== data) setTriggerValue("mode", mode);
  };
  probe.addEventListener("transitionend", look);
  return () => probe.removeEventListener("transitionend", look);
}
"""
"""An element nobody sees takes on the page's colour; once it has, and it is not the one the page was drawn for, it asks
for a run. Streamlit's own `st.context.theme` tells a run what the browser shows, but starts none (1.67).
"""

_watch = component(KEY, html="<i></i>", css=STYLE, js=WATCH)


def follow_theme() -> None:
    """Run the page again when it is not in the mode any more that it was drawn for."""
    _ = _watch(key=KEY, data=theme_mode(), height=0, on_mode_change=lambda: None)
