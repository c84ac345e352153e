"""Networks: backbones with their snapshot heads, which parameters lie in devices, and BatchNorm folded away.

How a network is trained is in `neft.training` and `neft.methods`.
"""
