"""Navigation, and what every page needs around it. To add a page: a file in app_pages/ and a line in PAGES."""

import streamlit as st

from dashboard.computing import process
from dashboard.computing.process import ComputingError
from dashboard.widgets.plotly_ahead import plotly_ahead
from dashboard.widgets.theme_watch import follow_theme

PAGES = {
    "": [st.Page("app_pages/explore.py", title="Explore", icon=":material/monitoring:", default=True)],
    "Results": [
        st.Page("app_pages/accuracy.py", title="Accuracy", icon=":material/show_chart:", url_path="accuracy"),
        st.Page("app_pages/uncertainty.py", title="Uncertainty", icon=":material/psychology:", url_path="uncertainty"),
        st.Page("app_pages/experiments.py", title="Experiments", icon=":material/science:", url_path="experiments"),
        st.Page("app_pages/weights.py", title="Weights", icon=":material/scatter_plot:", url_path="weights"),
        st.Page("app_pages/claims.py", title="Claims", icon=":material/fact_check:", url_path="claims"),
    ],
    "Chips": [
        st.Page("app_pages/chip.py", title="One chip", icon=":material/memory:", url_path="chip"),
        st.Page("app_pages/votes.py", title="One input", icon=":material/how_to_vote:", url_path="votes"),
        st.Page("app_pages/slices.py", title="Bit slices", icon=":material/stacked_bar_chart:", url_path="slices"),
        st.Page("app_pages/preview.py", title="Preview", icon=":material/bolt:", url_path="preview"),
        st.Page("app_pages/device.py", title="Your device", icon=":material/developer_board:", url_path="device"),
    ],
    "Runs": [
        st.Page("app_pages/train.py", title="Train", icon=":material/play_circle:", url_path="train"),
        st.Page("app_pages/compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
        st.Page("app_pages/runs.py", title="All runs", icon=":material/table_rows:", url_path="runs"),
        st.Page("app_pages/share.py", title="Share and import", icon=":material/ios_share:", url_path="share"),
    ],
    "Learn": [
        st.Page("app_pages/learn.py", title="Lessons", icon=":material/school:", url_path="learn"),
        st.Page("app_pages/glossary.py", title="Glossary", icon=":material/menu_book:", url_path="glossary"),
    ],
}

st.set_page_config(page_title="NeFT · device variation", page_icon="🎚️", layout="wide")
try:
    with plotly_ahead():
        st.navigation(PAGES, position="top").run()
except ComputingError as error:
    st.error(str(error), icon=":material/error:")
follow_theme()
process.warm_up()
