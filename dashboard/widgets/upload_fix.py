"""Streamlit marks the place for dropped files as decoration, though the keyboard reaches it; that mark is taken off."""

import streamlit as st

SCRIPT = """<script>{
const place = "[data-testid='stFileUploaderDropzone'][role='presentation']"
const mend = () => document.querySelectorAll(place).forEach(found => found.removeAttribute("role"))
mend()
new MutationObserver(mend).observe(document.body, {childList: true, subtree: true})
}</script>"""


def reachable_uploads() -> None:
    """Let screen readers find the page's file uploaders. Once a page."""
    st.html(SCRIPT, unsafe_allow_javascript=True)
