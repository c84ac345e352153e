"""RunRecords and their rows -> tidy DataFrames, and every statistic that is ever shown."""

from neft.tables.curves import (
    CURVE_COLUMNS,
    ECDF_POINTS,
    Protocol,
    clean_means,
    decay_points,
    differences_to,
    gather,
    metric_curves,
    metric_quantiles,
    paired_difference,
    select_protocol,
)
from neft.tables.intervals import METRIC_COLUMNS, Interval, crossed_interval, summarise
from neft.tables.layers import deviation_ratios, layer_label, layer_table, scaled_deviations
from neft.tables.runs import (
    DECAY_SETTINGS,
    RUN_COLUMNS,
    config_differences,
    flat_config,
    recipe,
    runs_table,
    settings_in_words,
    summary_table,
    told_apart,
)

__all__ = [
    "CURVE_COLUMNS",
    "DECAY_SETTINGS",
    "ECDF_POINTS",
    "METRIC_COLUMNS",
    "RUN_COLUMNS",
    "Interval",
    "Protocol",
    "clean_means",
    "config_differences",
    "crossed_interval",
    "decay_points",
    "deviation_ratios",
    "differences_to",
    "flat_config",
    "gather",
    "layer_label",
    "layer_table",
    "metric_curves",
    "metric_quantiles",
    "paired_difference",
    "recipe",
    "runs_table",
    "scaled_deviations",
    "select_protocol",
    "settings_in_words",
    "summarise",
    "summary_table",
    "told_apart",
]
