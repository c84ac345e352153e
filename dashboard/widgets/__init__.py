"""Pieces that several pages are made of: cards, choices, forms.

Numbers come from `dashboard.data`, words from `dashboard.words`.
"""
