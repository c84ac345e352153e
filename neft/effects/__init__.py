"""What happens to devices after programming."""

from neft.effects.effects import Devices, Effects, drawn, happened, moments

__all__ = ["Devices", "Effects", "drawn", "happened", "moments"]
