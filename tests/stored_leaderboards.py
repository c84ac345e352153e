"""Leaderboards as a store holds them, from numbers written down by hand: no training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from neft.columns import ACCURACY
from neft.experiments.questions import setting_key
from neft.runs.plans import PlanEntry, PlanRecord
from neft.runs.records import EffortSummary, MetricSummary, RunRecord, SigmaSummary, WorstCaseSummary
from neft.tables.boards import LEADERBOARD
from tests.stored_experiments import SMALL_CONFIG, Arm, Runs, a_record, chips

CONSTRAINTS = {"none": "", "clip": "Clipped weights", "saturating": "Saturating weights"}
METHODS = {"vanilla": "Vanilla", "noise_injection": "Noise injection", "ovf": "OVF", "irs": "IRS"}
CONFIG = SMALL_CONFIG | {
    "dataset": {"image_size": 8, "max_train": None},
    "training": {"batch_size": 128, "learning_rate": 0.003},
}


@dataclass(frozen=True)
class BoardRow:
    """A method with a constraint at one sigma_d: by seed, every metric chip by chip."""

    chips: Mapping[int, Sequence[float]]
    method: str = "noise_injection"
    constraint: str = "none"
    sigma_d: float = 0.2
    worst: Mapping[int, float] = field(default_factory=dict)
    """By seed, the worst case at th_g = 0.03; not searched where it is not given."""
    seconds: float = 1.0
    scheme: str = ""
    """What of its chips is not the usual, as a key."""
    costs: tuple[int, float, float] | None = None
    """Devices, pulses and reads of a weight; not recorded where they are not given."""

    @property
    def series(self) -> str:
        """As a plan names it."""
        return f"{self.method}+{self.constraint}{self.scheme}"


def a_leaderboard(
    *rows: BoardRow, name: str = "leaderboard", dataset_label: str = "Digits 8×8"
) -> tuple[PlanRecord, Runs]:
    """A plan with a run for each seed of each row, and what is stored of it."""
    entries: list[PlanEntry] = []
    runs: Runs = {}
    for row in rows:
        for seed, values in row.chips.items():
            run_id = (
                f"digits-mlp4x128-{row.method}-s{row.sigma_d:.2f}-seed{seed}-{name.encode().hex()[-4:]}{len(runs):04x}"
            )
            record = _record(run_id, row, seed)
            facts = record.facts.model_copy(update={"num_instances": len(values), "dataset_label": dataset_label})
            arm = Arm(row.series, "", {}, sigma_d=row.sigma_d)
            runs[run_id] = (record.model_copy(update={"facts": facts}), chips(arm, values))
            entries.append(
                PlanEntry(
                    experiment=LEADERBOARD,
                    series=row.series,
                    setting=setting_key("sigma_d", row.sigma_d),
                    position=row.sigma_d,
                    sigma_d=row.sigma_d,
                    seed=seed,
                    run_id=run_id,
                )
            )
    plan = PlanRecord(name=name, preset=LEADERBOARD, command=f"neft sweep {LEADERBOARD}", entries=tuple(entries))
    return plan, runs


def _record(run_id: str, row: BoardRow, seed: int) -> RunRecord:
    record = a_record(run_id, row.method, seed=seed)
    label, constraint = METHODS[row.method], CONSTRAINTS[row.constraint]
    facts = record.facts.model_copy(
        update={
            "method_label": label,
            "variant": f"{row.method}_{row.constraint}1.5" if constraint else row.method,
            "label": f"{label}, {row.constraint} α = 1.5" if constraint else label,
            "constraint": f"{row.constraint}1.5" if constraint else "none",
            "constraint_name": row.constraint,
            "constraint_label": constraint,
            "chips": row.scheme,
            "chips_label": row.scheme.strip("~").replace("~", ", "),
            "train_sigma_d": row.sigma_d,
            "sigma_ds": (0.0, row.sigma_d),
        }
    )
    worst = (WorstCaseSummary(th_g=0.03, accuracy=row.worst[seed]),) if seed in row.worst else ()
    return record.model_copy(
        update={
            "facts": facts,
            "config": CONFIG,
            "summary": record.summary.model_copy(update={"worst_case": worst, "num_epochs": 30, **_costs(row)}),
            "provenance": record.provenance.model_copy(update={"training_seconds": row.seconds + seed}),
        }
    )


def _costs(row: BoardRow) -> dict[str, object]:
    """As a run's summary has them: effort is recorded of what is not the usual alone."""
    if row.costs is None:
        return {}
    devices, pulses, reads = row.costs
    effort = EffortSummary(pulses=pulses, reads=reads) if row.scheme else None
    metrics = {ACCURACY: MetricSummary(None, None, None, 0, None, None)}  # boards read the chips
    return {"devices_a_weight": devices, "test": (SigmaSummary(sigma_d=row.sigma_d, metrics=metrics, effort=effort),)}
