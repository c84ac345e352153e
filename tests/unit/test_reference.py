"""Published figures: they say what the papers say, in our words."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest

from dashboard.charts.frames import look_of
from dashboard.charts.theme import Mode, variant_style
from neft import columns as c
from neft import reference
from neft.config import RunConfig
from neft.experiments.designs import PLANS
from neft.experiments.planning import Scale
from neft.experiments.questions import series_words
from neft.methods import METHODS
from neft.networks.backbones import Mlp
from neft.reference import PANELS, Year, published_accuracy, published_ekl, published_settings

FOLDER = Path(reference.__file__).parent
YEARS: tuple[Year, ...] = ("2025", "2024")
HUNDREDTH = 0.5e-4 + 1e-9
"""The papers print percentages with two digits."""
TABLES_PANEL = "resnet18_cifar10"


def by_method(year: Year) -> pd.DataFrame:
    """Accuracy, a row per panel and sigma_d, a column per variant."""
    return published_accuracy(year).pivot_table(index=[c.PANEL, c.SIGMA_D], columns=c.VARIANT, values=c.ACCURACY)


def setting(experiment: str, variant: str, words: str) -> float:
    """A published setting's accuracy."""
    rows = published_settings().set_index([c.EXPERIMENT, c.VARIANT, c.SETTING])
    return float(rows[c.ACCURACY].loc[experiment, variant, words])


# ---------------------------------------------------------------- what the papers print
@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(
    ("variant", "sigma_d", "printed"),
    [
        # Table 1 of arXiv v4, the settings used; Table 2, no fine-tuning; the same network without variation
        ("ovf", 0.3, 0.6350),
        ("irs", 0.3, 0.6581),
        ("vanilla", 0.3, 0.1075),
        ("vanilla", 0.0, 0.9271),
    ],
)
def test_figure_holds_the_numbers_of_the_tables(year: Year, variant: str, sigma_d: float, printed: float) -> None:
    assert by_method(year)[variant].loc[TABLES_PANEL, sigma_d] == pytest.approx(printed, abs=HUNDREDTH)


def test_largest_gain_over_noise_injection_is_that_of_v4s_abstract() -> None:
    table = by_method("2024")

    gains = table["ovf"] - table["noise_injection"]

    assert gains.max() == pytest.approx(0.4671, abs=HUNDREDTH)
    assert gains.idxmax() == ("vgg8_mnist", 0.35)


def test_largest_gain_over_every_baseline_is_that_of_v5s_abstract() -> None:
    table = by_method("2025")
    best_baseline = table[["vanilla", "noise_injection", "orthogonality"]].max(axis=1)

    assert table[["ovf", "irs"]].sub(best_baseline, axis=0).max(axis=None) == pytest.approx(0.4508, abs=HUNDREDTH)


def test_both_years_show_the_same_noise_trained_networks() -> None:
    trained = ["noise_injection", "ovf", "irs"]
    newer, older = (by_method(year).query("sigma_d > 0")[trained] for year in YEARS)

    pd.testing.assert_frame_equal(newer, older)


def test_start_that_the_methods_share_is_noted() -> None:
    rows = published_accuracy()
    shared = rows[rows[c.NOTE].str.contains("all methods")]

    assert set(shared[c.PANEL]) == {"vgg8_cifar10"}
    assert len(shared) == 5
    assert shared[c.SIGMA_D].eq(0).all()


# ---------------------------------------------------------------- in our words
@pytest.mark.parametrize("year", YEARS)
def test_every_panel_has_every_method_once_at_each_sigma_d(year: Year) -> None:
    rows = published_accuracy(year)

    assert not rows.duplicated([c.PANEL, c.VARIANT, c.SIGMA_D]).any()
    methods = {"vanilla", "noise_injection", "ovf", "irs"} | ({"orthogonality"} if year == "2025" else set())
    assert {(panel, method) for panel in PANELS for method in methods} == set(
        zip(rows[c.PANEL], rows[c.VARIANT], strict=True)
    )


@pytest.mark.parametrize("rows", [*map(published_accuracy, YEARS), published_settings()], ids=[*YEARS, "settings"])
def test_accuracies_are_fractions_at_a_sigma_d_with_a_source(rows: pd.DataFrame) -> None:
    assert rows[c.ACCURACY].between(0, 1).all()
    assert rows[c.SIGMA_D].between(0, 0.4).all()
    assert rows[c.SOURCE].str.startswith("Qin et al. 2025, ").all()
    assert rows.notna().all(axis=None)


def test_panels_are_labelled_by_their_network_and_data() -> None:
    raw = pd.read_csv(FOLDER / "published_accuracy.csv").drop_duplicates("panel").set_index("panel")

    assert dict(PANELS) == (raw["backbone"] + " on " + raw["dataset"].str.replace("-I", " I")).to_dict()


def test_our_own_methods_have_our_own_names() -> None:
    ours = {method().variant: method().variant_label for method in METHODS.values()}
    rows = published_accuracy()
    labels = dict(zip(rows[c.VARIANT], rows[c.LABEL], strict=True))

    assert {variant: label for variant, label in labels.items() if variant in ours} == {
        variant: ours[variant] for variant in ("vanilla", "noise_injection", "orthogonality", "ovf", "irs")
    }


def test_what_the_figures_call_correctnet_is_our_term_on_kernels() -> None:
    """Not the method of that name: no Lipschitz constant, no compensation."""
    assert "correctnet" in set(pd.read_csv(FOLDER / "published_accuracy.csv")["method"])
    assert "correctnet" not in set(published_accuracy()[c.VARIANT])


def test_published_methods_that_we_have_stand_where_ours_do() -> None:
    ours = {method().variant: method().rank for method in METHODS.values()}
    rows = published_accuracy().drop_duplicates(c.VARIANT)

    ranks = dict(zip(rows[c.VARIANT], rows[c.METHOD_RANK], strict=True))
    assert ranks == {variant: rank for variant, rank in ours.items() if variant in ranks}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_method_has_a_colour_and_symbol_of_its_own(mode: Mode) -> None:
    rows = published_accuracy().drop_duplicates(c.VARIANT)
    styles = {variant: variant_style(look_of(of), mode=mode) for variant, of in rows.groupby(c.VARIANT)}

    assert len({style.colour for style in styles.values()}) == len(styles)
    assert len({style.symbol for style in styles.values()}) == len(styles)


def test_ekl_rises_with_sigma_d_where_networks_were_trained_for_it() -> None:
    rows = published_ekl()
    ends = rows[rows[c.SIGMA_D].isin([0.0, 0.4])].pivot_table(index=c.VARIANT, columns=c.SIGMA_D, values=c.EKL)

    # the figure's axis counts hundredths: noise injection at 0.4 reads 7.8757
    assert ends[0.4]["noise_injection"] == pytest.approx(0.078757)
    trained = ends.drop(index="vanilla")
    assert (trained[0.4] > 10 * trained[0.0]).all()
    assert not rows.duplicated([c.VARIANT, c.SIGMA_D]).any()


# ---------------------------------------------------------------- the ablations
def test_every_setting_is_one_that_is_planned() -> None:
    # as many hidden layers as IRS had feedback terms at most
    scale = Scale(base=RunConfig(backbone=Mlp(hidden_layers=5)), num_seeds=1)
    rows = published_settings()
    planned = {
        (standing.experiment, standing.series, series_words(standing.series), standing.setting, standing.position)
        for experiment in rows[c.EXPERIMENT].unique()
        for run in PLANS[experiment](scale, lambda _: None)
        for standing in run.standings
    }

    found = rows[[c.EXPERIMENT, c.VARIANT, c.LABEL, c.SETTING, c.POSITION]]
    assert set(found.itertuples(index=False, name=None)) <= planned
    assert not rows.duplicated([c.EXPERIMENT, c.VARIANT, c.SETTING]).any()


def test_every_row_of_the_tables_is_there() -> None:
    raw = pd.read_csv(FOLDER / "published_tables.csv")

    rows = published_settings().iloc[: len(raw)]

    assert rows[c.ACCURACY].tolist() == pytest.approx((raw["accuracy_percent"] / 100).tolist())
    assert len(published_settings()) == len(raw) + 4


@pytest.mark.parametrize(
    ("experiment", "variant", "words", "lost"),
    [
        # section 4.5 of arXiv v4: 63.50 - 46.01, 65.81 - 44.90, 14.14 as printed, 65.81 - 48.44
        ("decay_factors", "ovf", ("paper", "reversed"), 0.1749),
        ("decay_factors", "irs", ("paper", "reversed"), 0.2091),
        ("delta_sigma", "ovf", ("delta_sigma_0.05", "delta_sigma_-0.05"), 0.1414),
        ("classifier_noise", "irs", ("noisy", "noise_free"), 0.1737),
    ],
)
def test_losses_of_the_section_are_against_the_papers_own_setting(
    experiment: str, variant: str, words: tuple[str, str], lost: float
) -> None:
    own, other = (setting(experiment, variant, one) for one in words)

    assert own - other == pytest.approx(lost, abs=HUNDREDTH)
    assert own == setting("pretrained_start", variant, "from_scratch")


# ---------------------------------------------------------------- the files
def test_tables_are_the_callers_to_change() -> None:
    for read in (published_accuracy, published_ekl, published_settings):
        rows = read()
        rows[c.SOURCE] = "mine"

        assert "mine" not in set(read()[c.SOURCE])


def test_every_file_is_packaged() -> None:
    settings = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["neft"]
    packaged = {path for pattern in patterns for path in FOLDER.parent.glob(pattern)}

    assert {path for path in FOLDER.iterdir() if path.suffix in {".csv", ".md", ".toml"}} <= packaged
