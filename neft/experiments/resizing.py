"""A preset at another size: what options of a command, or of a form, make of its scales."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from neft.datasets.base import BaseDataset
from neft.errors import ConfigError, DataMissingError
from neft.experiments.planning import PlannedRun, Scale, Stored
from neft.experiments.presets import Preset
from neft.options import FAMILIES, make_config, option_table, parse_sigma_ds


def plan_at(
    preset: Preset, options: Mapping[str, Any], rescale: Callable[[Scale], Scale]
) -> Callable[[Stored], list[PlannedRun]]:
    """The plan of a preset at the size that the options ask for.

    Args:
        preset: the preset.
        options: of a config, by name; None is not given.
        rescale: what `rescaling` makes of them.

    Raises:
        ConfigError: a constraint that cannot be; when planned, one where the preset sets constraints itself.
    """
    asked = make_config(_of_the_constraint(options)).constraint if _of_the_constraint(options) else None

    def plan(stored: Stored) -> list[PlannedRun]:
        planned = preset.plan(stored, rescale=rescale)
        if asked is not None and any(one.config.constraint != asked for one in planned):
            message = (
                f"The preset '{preset.name}' sets the weight constraints of its runs itself; it takes no --constraint."
            )
            raise ConfigError(message)
        return planned

    return plan


def _of_the_constraint(options: Mapping[str, Any]) -> dict[str, Any]:
    own = {"constraint", *(name for name, option in option_table().items() if option.part == "constraint")}
    return {name: value for name, value in options.items() if name in own and value is not None}


def rescaling(preset: Preset, options: Mapping[str, Any]) -> Callable[[Scale], Scale]:
    """What the options make of each part's scale.

    Args:
        preset: the preset.
        options: of a config, by name, with `seeds` and `train_sigma_ds`; None is not given.

    Raises:
        ConfigError: the preset has but one size, or an option that cannot be.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if given and preset.fixed is not None:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        message = f"The preset '{preset.name}' has one size; it takes no {flags}. See `neft sweep` for those that do."
        raise ConfigError(message)
    seeds, sigma_ds = given.pop("seeds", None), given.pop("train_sigma_ds", None)
    known = {*option_table(), *FAMILIES}
    settings = {name: value for name, value in given.items() if name in known}

    # images that change meanwhile shall not change what a sweep set out to do
    known_data: dict[str, BaseDataset] = {}

    def dataset_of(dataset: BaseDataset) -> BaseDataset:
        text = dataset.model_dump_json()
        if text not in known_data:
            try:
                known_data[text] = dataset.identified()
            except (DataMissingError, ConfigError):
                return dataset  # each run says why it cannot be
        return known_data[text]

    def rescale(scale: Scale) -> Scale:
        base = make_config(settings, scale.base) if settings else scale.base
        return replace(
            scale,
            base=base.model_copy(update={"dataset": dataset_of(base.dataset)}),
            num_seeds=seeds or scale.num_seeds,
            sigma_ds=parse_sigma_ds(sigma_ds, flag="--train-sigma-ds") if sigma_ds else scale.sigma_ds,
        )

    return rescale
