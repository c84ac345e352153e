"""What a deployed network costs: devices, converters, area and energy, from a table of sourced constants.

`costs` and `constants` are arithmetic without torch; `shapes` reads networks.
"""
