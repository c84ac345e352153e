"""Trainings and sweeps started from a page: processes of their own, and the files that tell of them. No Streamlit."""
