"""A trained network tried on chips: Monte Carlo, its stopping rule, calibration, deviations, preview and worst case.

How one chip comes about is in `neft.chips`; what a table or a claim makes of many runs in `neft.tables` and
`neft.experiments`.

Instance 7 is the same chip whether 10 or 1,000 are drawn, at every sigma_d and for every network of equal shape: its
normals come from `generator(seed, "chip", 7)`, drawn once and scaled by sigma_d. Comparisons are therefore paired.

`monte_carlo.evaluate` tries a network on one of this package's data sets, `monte_carlo.try_network` any `nn.Module` on
batches of one's own. Both program chips in place into one network whose BatchNorm has been folded into the weights and
their deviations, channels-last, without autograd; `neft.chips.deployed.plain_logits` is the slow, plain path they are
tested against.
"""
