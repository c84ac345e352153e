"""Pictures of charts, saved by the browser alone: buttons, and what a toolbar's camera puts into its picture."""

from streamlit.components.v2 import component

from dashboard.charts.export import DRESS

WORDS_KEY, BUTTONS = "saved_words", "chart_saver"
ONCE = f"if (!window.neftPictures) {{ window.neftPictures = true; {DRESS} }}"
WATCH = f"export default function () {{ {ONCE} }}"
STYLE = """
div { display: flex; gap: 0.5rem; }
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem);
  padding: 0.25rem 0.75rem; min-height: 2.5rem; cursor: pointer; }
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""
HTML = '<div><button data-format="png">PNG</button><button data-format="svg">SVG</button></div>'
SAVE = """
export default function ({ data, parentElement }) {
  parentElement.querySelectorAll("button").forEach(button => {
    button.onclick = () => {
      const plot = document.querySelector(`.st-key-card_${CSS.escape(data.key)} .js-plotly-plot`);
      const camera = plot && plot.querySelector(".modebar-btn[data-title^='Download plot']");
      if (!camera) return;
      const options = plot._context.toImageButtonOptions;
      plot._context.toImageButtonOptions = {...options, format: button.dataset.format};
      camera.click();
      setTimeout(() => { plot._context.toImageButtonOptions = options; });
    };
  });
}
"""

_watch = component(WORDS_KEY, html="<i></i>", js=WATCH)
_buttons = component(BUTTONS, html=HTML, css=STYLE, js=SAVE)


def words_in_pictures() -> None:
    """Have every saved picture of the page say what it is and where it comes from."""
    _ = _watch(key=WORDS_KEY, height=0)


def picture_buttons(key: str) -> None:
    """Save the chart of the card of this key, as it stands, as a PNG or an SVG."""
    _ = _buttons(key=f"pictures_{key}", data={"key": key}, width="content")
