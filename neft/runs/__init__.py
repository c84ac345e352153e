"""Stored runs and all that lies beside them on the disk: records, plans, notes, unfinished trainings, bundles.

What is computed from stored numbers is in `neft.tables`.
"""
