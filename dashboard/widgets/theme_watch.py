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
    const shown = red + green + blue > 382 ? "light" : "dark";
    if (shown === data.drawn) {
      delete probe.dataset.asked;
    } else if (shown !== probe.dataset.asked) {
      probe.dataset.asked = shown;
      setTriggerValue("shown", shown);
    }
  };
  probe.ontransitionend = look;
  look();
}
"""
"""An element nobody sees takes on the page's colour; where that is not the one the page was drawn for, it asks for a
run, though not twice on end. Streamlit's own `st.context.theme` tells a run what the browser shows, but starts none
(1.67).
"""

_watch = component(KEY, html="<i></i>", css=STYLE, js=WATCH)


def follow_theme() -> None:
    """Run the page again where it is not drawn for what the browser shows."""
    _ = _watch(key=KEY, data={"drawn": theme_mode()}, height=0, on_shown_change=lambda: None)
