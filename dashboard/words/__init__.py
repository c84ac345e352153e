"""Findings in words, and the glossary: numbers come from `dashboard.data`, cards and charts are drawn elsewhere."""
