"""neft evaluate-module."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from torch import Tensor, nn

from neft import columns
from neft.cli.config_options import SectionedCommand, config_from, config_parameters
from neft.cli.output import print_json, print_results, record_json
from neft.cli.printing import echo
from neft.cli.shared_options import data_dir_option, json_option, store_option, torch_device_option
from neft.cli.watch import check_torch_device, stop_on_signals, watching
from neft.config import RunConfig
from neft.datasets import Dataset
from neft.datasets.found_images import named
from neft.errors import ConfigError
from neft.module_files import load_arrays, load_module, load_weights
from neft.options import FAMILIES, option_words
from neft.own_runs import try_network
from neft.pipeline import Progress, Settings, chip_law, load_data, single_threaded
from neft.runs.places import default_data_dir
from neft.runs.store import Stores

FEW = 2
"""Inputs that tell what a network puts out."""
OF_TRAININGS = frozenset(
    {
        *("dataset", "max_train", "max_test", "worst_case", "recalibrate_batchnorm", "arithmetic"),
        *("test_device", "test_mapping", "test_programming", "test_converters"),
    }
)
"""Settings that a network which was trained elsewhere has no use for; `--data` takes the place of `--dataset`."""


def _parameters() -> list[click.Parameter]:
    made = config_parameters(("dataset", "device", "mapping", "programming", "evaluation", "effects"))
    return [parameter for parameter in made if parameter.name not in OF_TRAININGS]


@click.command("evaluate-module", cls=SectionedCommand, params=_parameters())
@click.argument("target", metavar="FILE.py:FUNCTION")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The network's state dict: .safetensors, or .pt, of which only tensors are read. [default: none]",
)
@click.option(
    "--data",
    required=True,
    metavar="NAME|FILE",
    help=f"A data set, whose test images are taken ({', '.join(FAMILIES['dataset'])}), or a file (.npz, .safetensors) "
    "with the arrays inputs and labels.",
)
@click.option("--batch-size", type=click.IntRange(1), default=256, show_default=True, help="Inputs of a batch.")
@click.option(
    "--in-devices", multiple=True, metavar="NAME", help="A parameter in devices; give all. [default: by layer]"
)
@click.option(
    "--deviations-on",
    type=click.Choice(["stored", "used"]),
    default="stored",
    show_default=True,
    help="Where a layer changes its weight before use: the weight it stores, or the one it uses.",
)
@click.option("--title", default="", help="What the network is called. [default: its class]")
@data_dir_option
@click.option("--download", is_flag=True, help="Fetch the data set if it is missing.")
@store_option
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Cores over which chips are spread, each with a copy of the network: where that is computed the fast way, and "
    "its forward changes nothing outside of itself. It changes no number.",
)
@torch_device_option
@json_option
def evaluate_module(
    target: str, *, weights: Path | None, data: str, batch_size: int, as_json: bool, **options: Any
) -> None:
    r"""Try a network of your own on sampled chips: a function of a Python file makes it.

    The function takes no arguments and returns a torch.nn.Module; its file is run. The result is stored as a run that
    is listed, compared and exported like any other. Nothing is unpickled.

    \b
    Examples:
      neft evaluate-module net.py:make_model --weights net.safetensors --data digits
      neft evaluate-module net.py:make_model --data test.npz --test-sigma-d 0:0.2:0.05 --num-instances 100
    """
    check_torch_device(options["torch_device"])
    stores = Stores.at(options["store_root"])
    config = config_from(options | ({"dataset": data} if data in FAMILIES["dataset"] else {}))
    network = load_module(target)
    if weights is not None:
        load_weights(network, weights)
    evaluation = config.evaluation
    with stop_on_signals() as asked, watching(None) as (watcher, _), single_threaded():
        dataset, inputs, labels, class_names = _inputs(config, data, options, watcher)
        if class_names:
            _refuse_other_outputs(network, inputs, labels, class_names, options)
        tried = try_network(
            network,
            zip(inputs.split(batch_size), labels.split(batch_size), strict=True),
            sigma_ds=evaluation.sigma_ds,
            num_instances=evaluation.num_instances,
            law=chip_law(config),
            in_devices=options["in_devices"] or None,
            weights=options["deviations_on"],
            seed=evaluation.seed,
            precision=evaluation.precision,
            min_instances=None if evaluation.precision is None else evaluation.min_instances,
            torch_device=options["torch_device"],
            cores=options["threads"],
            on_instance=lambda done, accuracy: watcher(
                Progress("evaluating", done, evaluation.num_instances, row={columns.ACCURACY: accuracy})
            ),
            should_stop=asked.is_set,
            store=stores.own,
            dataset=dataset,
            title=options["title"],
            command=_command(target, weights, data, batch_size, options),
        )
    record = stores.own.record(str(tried.run_id))
    if as_json:
        print_json(record_json(record))
        return
    print_results(record, stores.own.instances(record))
    for note in tried.notes:
        echo(note)


def _inputs(
    config: RunConfig, data: str, options: dict[str, Any], watcher: Callable[[Progress], None]
) -> tuple[Dataset | None, Tensor, Tensor, tuple[str, ...]]:
    """The data set, if it is one, the inputs and labels, and a data set's classes by their labels."""
    if data not in FAMILIES["dataset"]:
        return None, *load_arrays(Path(data)), ()
    config = config.model_copy(update={"dataset": config.dataset.identified()})
    place = options["data_dir"] or default_data_dir()
    store = Stores.at(options["store_root"]).own
    loaded = load_data(config, Settings(store, data_dir=place, download=options["download"], on_progress=watcher))
    return config.dataset, loaded.normalise(loaded.test.images), loaded.test.labels, loaded.class_names


def _refuse_other_outputs(
    network: nn.Module, inputs: Tensor, labels: Tensor, class_names: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Outputs are the data set's classes in their order, or one output two of them: others would be counted wrong."""
    tried = try_network(
        network,
        [(inputs[:FEW], labels[:FEW])],
        sigma_ds=[0.0],
        num_instances=1,
        in_devices=options["in_devices"] or None,
        weights=options["deviations_on"],
    )
    if tried.num_classes != len(class_names) and (tried.num_classes, len(class_names)) != (1, 2):
        message = (
            f"The network tells {tried.num_classes} classes apart, the data set {len(class_names)} "
            f"({named(class_names)}): which is which is not clear. Give inputs and labels in a file: --data FILE.npz."
        )
        raise ConfigError(message)


def _command(target: str, weights: Path | None, data: str, batch_size: int, options: dict[str, Any]) -> str:
    """One that makes the run again."""
    words = ["--data", data, "--batch-size", str(batch_size)]
    words += [] if weights is None else ["--weights", str(weights)]
    words += [word for name in options["in_devices"] for word in ("--in-devices", name)]
    words += ["--deviations-on", options["deviations_on"]]
    words += ["--title", options["title"]] if options["title"] else []
    return f"{option_words('neft evaluate-module', options)} {shlex.join([*words, target])}"
