"""Charts: a DataFrame in, a Plotly figure out. No chart computes a statistic; `theme` holds every colour.

To add one: a file with its function, and its line here. Nothing here knows Streamlit, torch or a store.
"""

from dashboard.charts.accuracy_by_budget import accuracy_by_budget
from dashboard.charts.accuracy_distribution import accuracy_distribution
from dashboard.charts.accuracy_vs_cost import accuracy_vs_cost
from dashboard.charts.accuracy_vs_sigma_d import accuracy_vs_sigma_d
from dashboard.charts.advantage_by_budget import advantage_by_budget
from dashboard.charts.calibration_vs_sigma_d import calibration_vs_sigma_d
from dashboard.charts.chip_histogram import Mark, chip_histogram
from dashboard.charts.chip_ranks import chip_ranks
from dashboard.charts.claims_forest import claims_forest
from dashboard.charts.class_votes import chip_votes, class_votes
from dashboard.charts.code_stds import code_stds
from dashboard.charts.confidence_split import confidence_split
from dashboard.charts.confusion_change import confusion_change
from dashboard.charts.crossbar import crossbar
from dashboard.charts.curves_by_training import curves_by_training
from dashboard.charts.decay_ablation import decay_ablation
from dashboard.charts.device_curves import device_curves
from dashboard.charts.difference_vs_sigma_d import difference_vs_sigma_d
from dashboard.charts.ekl_distribution import ekl_distribution
from dashboard.charts.ekl_vs_sigma_d import ekl_vs_sigma_d
from dashboard.charts.estimates_by_chips import estimates_by_chips
from dashboard.charts.export import chart_config
from dashboard.charts.hardware_parts import hardware_parts
from dashboard.charts.layer_audit import layer_audit
from dashboard.charts.layer_costs import layer_costs
from dashboard.charts.layer_deviations import layer_deviations
from dashboard.charts.layer_std import layer_std
from dashboard.charts.layer_weights import layer_weights
from dashboard.charts.level_histograms import level_histograms
from dashboard.charts.level_spread import level_spread
from dashboard.charts.live_curve import live_curve
from dashboard.charts.margin_distribution import margin_distribution
from dashboard.charts.preview_curve import preview_curve
from dashboard.charts.programmed_weight import programmed_weight
from dashboard.charts.race_still_in import race_still_in
from dashboard.charts.race_tail import race_tail
from dashboard.charts.ranking import ranking
from dashboard.charts.reliability import reliability
from dashboard.charts.scheme_curves import scheme_curves
from dashboard.charts.scheme_noise import scheme_noise
from dashboard.charts.search_trials import search_trials
from dashboard.charts.seed_dots import seed_dots
from dashboard.charts.setting_points import setting_points
from dashboard.charts.side_by_side import run_curves, run_differences, run_distributions, run_histories
from dashboard.charts.slice_levels import slice_levels
from dashboard.charts.small_input import small_input
from dashboard.charts.std_vs_conductance import std_vs_conductance
from dashboard.charts.temperature_effects import temperature_effects
from dashboard.charts.theme import Mode, variant_style
from dashboard.charts.training_curves import training_curves
from dashboard.charts.unlucky_chips import unlucky_chips
from dashboard.charts.variance_parts import variance_parts
from dashboard.charts.variance_shares import variance_shares
from dashboard.charts.waterfall import waterfall
from dashboard.charts.weight_deviations import weight_deviations
from dashboard.charts.weight_errors import weight_errors
from dashboard.charts.weight_slices import device_levels, slice_errors, weight_distribution
from dashboard.charts.weight_under_schemes import weight_under_schemes
from dashboard.charts.worst_case_curve import worst_case_curve

__all__ = [
    "Mark",
    "Mode",
    "accuracy_by_budget",
    "accuracy_distribution",
    "accuracy_vs_cost",
    "accuracy_vs_sigma_d",
    "advantage_by_budget",
    "calibration_vs_sigma_d",
    "chart_config",
    "chip_histogram",
    "chip_ranks",
    "chip_votes",
    "claims_forest",
    "class_votes",
    "code_stds",
    "confidence_split",
    "confusion_change",
    "crossbar",
    "curves_by_training",
    "decay_ablation",
    "device_curves",
    "device_levels",
    "difference_vs_sigma_d",
    "ekl_distribution",
    "ekl_vs_sigma_d",
    "estimates_by_chips",
    "hardware_parts",
    "layer_audit",
    "layer_costs",
    "layer_deviations",
    "layer_std",
    "layer_weights",
    "level_histograms",
    "level_spread",
    "live_curve",
    "margin_distribution",
    "preview_curve",
    "programmed_weight",
    "race_still_in",
    "race_tail",
    "ranking",
    "reliability",
    "run_curves",
    "run_differences",
    "run_distributions",
    "run_histories",
    "scheme_curves",
    "scheme_noise",
    "search_trials",
    "seed_dots",
    "setting_points",
    "slice_errors",
    "slice_levels",
    "small_input",
    "std_vs_conductance",
    "temperature_effects",
    "training_curves",
    "unlucky_chips",
    "variance_parts",
    "variance_shares",
    "variant_style",
    "waterfall",
    "weight_deviations",
    "weight_distribution",
    "weight_errors",
    "weight_under_schemes",
    "worst_case_curve",
]
