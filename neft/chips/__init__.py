"""One sampled chip as a value: what devices end up with, and a network into which chips are programmed.

Technologies are in `neft.devices`, how weights sit on devices in `neft.mapping`, trying many chips in
`neft.evaluation`. How deviations are distributed is in `neft.chips.laws`; how sigma_d becomes a deviation, and the
unit in which Eq. 5 misleads, is told in `neft.chips.sampling`.
"""
