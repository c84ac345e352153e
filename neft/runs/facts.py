"""What a run's record says of its config: read back as models, or as the flat facts that lists and legends need."""

import json

from neft.chips.arithmetic import USUAL
from neft.component import Component, component_text, noun_of, setting_text
from neft.config import RunConfig
from neft.mapping.stack import Mapping
from neft.methods import FeedbackMethod
from neft.runs.records import RunFacts, RunRecord


def stored_config(record: RunRecord) -> RunConfig:
    """The config of a stored run.

    Raises:
        ConfigError: it no longer fits this version's models.
    """
    return RunConfig.from_json(json.dumps(record.config))


def run_facts(config: RunConfig, *, num_classes: int) -> RunFacts:
    """What lists and legends need to know of a config."""
    method = config.method
    feedback = method if isinstance(method, FeedbackMethod) else None
    chips, words = chips_key(config), chip_words(config)
    return RunFacts(
        dataset=config.dataset.short_name,
        dataset_label=config.dataset.sized_label,
        num_classes=num_classes,
        backbone=config.backbone.short_name,
        backbone_label=config.backbone.full_label,
        device=config.test_device.short_name + chips,
        device_label=", ".join([config.test_device.full_label, *words]),
        chips=chips,
        chips_label=", ".join(words),
        method=method.name,
        method_label=method.label,
        variant=config.variant,
        label=config.variant_label,
        temperature=method.effective_temperature,
        beta=feedback.beta if feedback else None,
        num_feedback=feedback.num_feedback if feedback else None,
        decay=feedback.decay if feedback else None,
        uses_noise=method.uses_noise,
        has_feedback=method.has_feedback,
        is_control=method.is_control and not config.is_constrained,
        num_passes=method.num_passes,
        rank=method.rank,
        constraint=config.constraint.variant,
        constraint_name=config.constraint.kind,
        constraint_label=config.constraint.kind_label if config.is_constrained else "",
        has_batchnorm=config.backbone.has_batchnorm,
        train_sigma_d=config.train_sigma_d,
        seed=config.training.seed,
        chip_seed=config.evaluation.seed,
        num_instances=config.evaluation.num_instances,
        num_test_images=_num_test_images(config),
        sigma_ds=config.evaluation.sigma_ds,
    )


def chips_key(config: RunConfig) -> str:
    """What of the test chips is not the usual, as a key: `~scale=channel~residual~drift_seconds=100`."""
    programming = config.test_programming
    parts = (
        _told(config),
        *([] if programming.is_open_loop else [programming]),
        config.test_converters,
        config.evaluation.effects,
    )
    arithmetic = config.evaluation.arithmetic
    key = "".join(f"~{text}" for text in map(component_text, parts) if text != "default")
    return key if arithmetic == USUAL else f"{key}~arithmetic={arithmetic}"


def _told(config: RunConfig) -> Mapping:
    """The test chips' mapping, as far as keys tell it: how many bits there are, only beside converters.

    Without them it was never told, and runs of before are found by what their keys were.
    """
    mapping = config.test_mapping
    if not config.test_converters.is_none:
        return mapping
    usual = Mapping()
    bits = {"weight_bits": usual.weight_bits, "device_bits": usual.device_bits}
    return mapping.model_copy(update=bits)


def chip_words(config: RunConfig) -> list[str]:
    """What of the test chips' mapping, programming and effects is not the usual, in words.

    >>> from neft.options import make_config
    >>> chip_words(make_config({"scale": "channel", "programming": "residual", "drift_seconds": 100}))
    ['scale channel', 'residual programming', 'drift time 100']
    """
    programming = config.test_programming
    found = _unusual(_told(config))
    if not programming.is_open_loop:
        found += [programming.label[0].lower() + programming.label[1:], *_unusual(programming)]
    arithmetic = config.evaluation.arithmetic
    found += _unusual(config.test_converters) + _unusual(config.evaluation.effects)
    return found if arithmetic == USUAL else [*found, f"computed in {arithmetic}"]


def _unusual(component: Component) -> list[str]:
    """A component's settings that are not the defaults, in words; of switches their names alone."""
    found: list[str] = []
    for name, field in type(component).model_fields.items():
        value = getattr(component, name)
        if name != "name" and value != field.default:
            words = noun_of(field) or field.title or name
            found.append(words if value is True else f"{words} {setting_text(value)}")
    return found


def _num_test_images(config: RunConfig) -> int | None:
    """As many as there are, or as the config asks for."""
    size, most = config.dataset.size, config.evaluation.max_test
    counts = [count for count in (size.num_test if size else None, most) if count is not None]
    # of a data set of unknown size there may be fewer than are asked for
    return min(counts) if size else None
