"""Experiments: the questions, the runs that answer them, and the claims that are decided by what was stored.

Carrying runs out is `neft.sweeps`; reading one experiment's arms is `neft.tables.arms`.
"""
