"""Monte Carlo over chips: one row per sigma_d and instance.

Instance 7 is the same chip whether 10 or 1,000 are drawn, at every sigma_d and for every network of equal shape: its
normals come from `generator(seed, "chip", 7)`, drawn once and scaled by sigma_d. Comparisons are therefore paired.

`evaluate` tries a network on one of this package's data sets, `try_network` any `nn.Module` on batches of one's own:

    from neft import montecarlo

    tried = montecarlo.try_network(model, [(images, labels)], sigma_ds=[0.02, 0.05], num_instances=50)
    print(tried.parameters, tried.instances.groupby("sigma_d").accuracy.describe(), tried.notes)

The fast path programs chips in place into one network whose BatchNorm has been folded into the weights and their
deviations, channels-last, without autograd. `plain_logits` is the slow, plain path it is tested against.
"""

from neft.montecarlo.chips import ChipLaw, DeployedNetwork, channels_last, plain_logits
from neft.montecarlo.deviations import layer_deviations
from neft.montecarlo.evaluation import CALIBRATION_INSTANCES, Tried, evaluate, try_network

__all__ = [
    "CALIBRATION_INSTANCES",
    "ChipLaw",
    "DeployedNetwork",
    "Tried",
    "channels_last",
    "evaluate",
    "layer_deviations",
    "plain_logits",
    "try_network",
]
