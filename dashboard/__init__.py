"""The dashboard over `neft`: Streamlit pages that show stored runs and start new ones.

Numbers come from `neft`; none is computed here.
"""
