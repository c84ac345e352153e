"""Laboratories' files, step by step: text, header, table, roles of columns, units, rows by level, levels.

`neft.devices.measurements` takes them in that order.
"""
