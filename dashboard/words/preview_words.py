"""How a preview comes by its chips, in words."""

from dashboard.computing.answers import PreviewWay
from neft.input_kinds import Called


def shared_words(refusal: str, called: Called) -> str:
    """That inputs share real chips, and why."""
    return f"{called.many.capitalize()} share real chips here, in groups: the band narrows more slowly. {refusal}"


def own_words(way: PreviewWay, called: Called, *, device: str) -> str:
    """That every input has a chip of its own, and what is drawn of it.

    Args:
        way: of a preview whose inputs share no chips.
        called: what the inputs are called.
        device: what the device is called.
    """
    begun = f"Every {called.one} meets a chip of its own, drawn layer by layer, which is exact."
    if way.num_drawn:
        of = "every layer" if way.num_drawn == way.num_layers else f"{way.num_drawn} of {way.num_layers} layers"
        drawn = f"weights are drawn in {of}, for a few {called.many} at a time, each with signs of its own"
        if way.num_unequal:
            return f"{begun} Weights on {device} miss by different amounts, so {drawn}."
        return f"{begun} To that end {drawn}."
    if way.num_unequal:
        return f"{begun} Weights on {device} miss by different amounts; fully connected layers sum their variances."
    return f"{begun} A channel's weights miss alike on {device}, so its outputs' deviations are drawn directly."
