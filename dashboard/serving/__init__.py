"""Who may see the dashboard, and who may change what it keeps: decided before a page is asked for.

Nothing here knows Streamlit: `door.Door` stands before whatever app is served.
"""
