"""The only way to torch: a process beside the server, and what it answers. Nothing here knows Streamlit.

`process` asks, `answers` and `form_answers` are what comes back, `work` is what runs over there.
"""
