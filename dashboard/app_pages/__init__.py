"""One file per page; no page imports another.

What several are made of is in `dashboard.widgets`, words in `dashboard.words`.
"""
