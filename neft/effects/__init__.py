"""What happens to devices after programming."""

from neft.effects.effects import Devices, Effects, exponents_of, happened, moments

__all__ = ["Devices", "Effects", "exponents_of", "happened", "moments"]
