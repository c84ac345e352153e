"""What Streamlit calls the parts of a page: selectors for styles and scripts, of marks that it may change.

They stand here alone. Where a version of Streamlit calls a part otherwise, a test fails and names it: look for the part
in the browser's inspector, and change its name here.
"""


def _marked(name: str, *, begins: bool = False) -> str:
    return f"[data-testid{'^' if begins else ''}='{name}']"


APP = _marked("stApp")
"""The whole page; its data-test-script-state is notRunning once the page is drawn."""
STATE = "testScriptState"
"""That attribute, as a script reads it."""
DRAWN = "notRunning"
MAIN = _marked("stMain")
"""The page but for its sidebar."""
SIDEBAR = _marked("stSidebar")
EXPAND_SIDEBAR = _marked("stExpandSidebarButton")
ELEMENT = _marked("stElementContainer")
"""Around each element of a page."""
COMPONENT = _marked("stBidiComponent", begins=True)
"""What a component of ours draws."""
HTML = _marked("stHtml")
MARKDOWN = _marked("stMarkdownContainer")
CAPTION = _marked("stCaptionContainer")
CHOICES_IN_A_ROW = _marked("stButtonGroup")
MULTISELECT = _marked("stMultiSelect")
DROP_ZONE = _marked("stFileUploaderDropzone")
"""Where files are dropped."""
PARTS = {
    "APP": APP,
    "MAIN": MAIN,
    "SIDEBAR": SIDEBAR,
    "EXPAND_SIDEBAR": EXPAND_SIDEBAR,
    "ELEMENT": ELEMENT,
    "COMPONENT": COMPONENT,
    "HTML": HTML,
    "MARKDOWN": MARKDOWN,
    "CAPTION": CAPTION,
    "CHOICES_IN_A_ROW": CHOICES_IN_A_ROW,
    "MULTISELECT": MULTISELECT,
    "DROP_ZONE": DROP_ZONE,
}


def filled(script: str) -> str:
    """A script in which parts are named in braces, as `{MAIN}`, with their selectors."""
    for name, selector in (PARTS | {"STATE": STATE, "DRAWN": DRAWN}).items():
        script = script.replace(f"{{{name}}}", selector)
    return script
