"""Streamlit marks the place for dropped files as decoration, though the keyboard reaches it; that mark is taken off."""

import streamlit as st

from dashboard.widgets import streamlit_parts as parts

SCRIPT = """<script>{
const place = "{DROP_ZONE}[role='presentation']"
const mend = () => document.querySelectorAll(place).forEach(found => found.removeAttribute("role"))
mend()
new MutationObserver(mend).observe(document.body, {childList: true, subtree: true})
}</script>"""


def reachable_uploads() -> None:
    """Let screen readers find the page's file uploaders. Once a page."""
    st.html(parts.filled(SCRIPT), unsafe_allow_javascript=True)
