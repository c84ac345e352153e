"""How weights sit on devices: from a weight to the targets of its devices, and back.

How far a device misses its target is in `neft.devices`.
"""
