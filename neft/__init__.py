"""Train small networks for non-volatile compute-in-memory and evaluate them on sampled chips.

This is the public door: what a program needs is here by name and stays here when the modules behind it move. A name is
loaded when it is first asked for, so that `import neft` alone waits for no torch.

    config = neft.make_config({"backbone": "mlp", "method": "ovf", "sigma_d": 0.15})
    record = neft.run(config, neft.Settings(store=neft.RunStore(Path("my_runs"))))
"""

# pyright: reportImportCycles=false
# modules ask their package for its version and its other modules; what is named here for type checkers is no import

import difflib
import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from neft.chips.deployed import ChipLaw
    from neft.chips.sampling import program
    from neft.config import RunConfig
    from neft.errors import NeftError
    from neft.evaluation.monte_carlo import evaluate
    from neft.evaluation.own_preview import preview_network
    from neft.options import make_config
    from neft.own_runs import try_network
    from neft.pipeline import Progress, Settings, chip_law, load_data, reevaluate, restore_network, run
    from neft.runs.facts import stored_config
    from neft.runs.records import RunRecord
    from neft.runs.store import RunStore, Stores
    from neft.seeding import generator
    from neft.tables import compare_runs, runs_table

__all__ = [
    "ChipLaw",
    "NeftError",
    "Progress",
    "RunConfig",
    "RunRecord",
    "RunStore",
    "Settings",
    "Stores",
    "chip_law",
    "compare_runs",
    "evaluate",
    "generator",
    "load_data",
    "make_config",
    "preview_network",
    "program",
    "reevaluate",
    "restore_network",
    "run",
    "runs_table",
    "stored_config",
    "try_network",
]

_HOMES = {
    "neft.chips.deployed": ("ChipLaw",),
    "neft.chips.sampling": ("program",),
    "neft.config": ("RunConfig",),
    "neft.errors": ("NeftError",),
    "neft.evaluation.monte_carlo": ("evaluate",),
    "neft.evaluation.own_preview": ("preview_network",),
    "neft.options": ("make_config",),
    "neft.own_runs": ("try_network",),
    "neft.pipeline": ("Progress", "Settings", "chip_law", "load_data", "reevaluate", "restore_network", "run"),
    "neft.runs.facts": ("stored_config",),
    "neft.runs.records": ("RunRecord",),
    "neft.runs.store": ("RunStore", "Stores"),
    "neft.seeding": ("generator",),
    "neft.tables": ("compare_runs", "runs_table"),
}
"""Where each public name is; the imports above say the same to type checkers."""


if not TYPE_CHECKING:  # whose checkers would believe that every name is there

    def __getattr__(name: str) -> Any:
        home = next((module for module, names in _HOMES.items() if name in names), None)
        if home is None:
            near = difflib.get_close_matches(name, __all__, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = f"module 'neft' has no public name '{name}'.{hint} Public: {', '.join(__all__)}."
            raise AttributeError(message, name=name)
        value = getattr(importlib.import_module(home), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
