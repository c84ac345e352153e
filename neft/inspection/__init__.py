"""A closer look at stored networks: chips opened again, images they flip, one weight on its devices.

Statistics over many chips and runs are in `neft.tables`.
"""
