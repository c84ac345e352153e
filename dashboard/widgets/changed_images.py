"""The images that a chip changes, drawn, with what was said of them before and after."""

from collections.abc import Hashable, Mapping
from typing import Any

import streamlit as st

from dashboard import address
from dashboard.computing.answers import Picture
from dashboard.data import opened_chips
from dashboard.data.opened_chips import ChipReport
from dashboard.data.stored import RunRecord
from dashboard.widgets.control import Control
from dashboard.widgets.image_grid import Tile, image_grid
from neft import columns


def changed_images(record: RunRecord, report: ChipReport) -> None:
    """The card of the images that a chip flips, and of those that it mends."""
    with st.container(border=True, key="card_flips"):
        st.markdown(f"## Which {report.called.many} does it flip?")
        count, mended = len(report.flipped), len(report.mended)
        control = Control(
            key=address.CHANGED,
            label=report.called.many.capitalize(),
            options={"flipped": f"Flipped ({count})", "mended": f"Mended ({mended})"},
            shows_label=False,
            help="Flipped: right without variation, wrong on this chip. Mended: the other way round.",
        )
        kind = control.draw()
        rows = report.flipped if kind == "flipped" else report.mended
        if rows.empty:
            st.info(
                f"This chip {'flips' if kind == 'flipped' else 'mends'} no {report.called.one}.",
                icon=":material/inbox:",
            )
            return
        everything = len(rows) > opened_chips.FIRST_IMAGES and st.toggle(
            f"Show all {len(rows)}", key=address.ALL_CHANGED, bind="query-params", help="Not only the surest ones."
        )
        shown = rows if everything else rows.head(opened_chips.FIRST_IMAGES)
        looks = opened_chips.pictures(record, shown[columns.IMAGE])
        image_grid([_tile(look, report, row) for look, row in zip(looks, shown.to_dict("records"), strict=True)])
        was, now = ("Right", "wrong") if kind == "flipped" else ("Wrong", "right")
        st.caption(
            f"{was} without variation → {now} on this chip, and how sure each was; those first of which the chip is "
            "surest."
        )


def _tile(look: Picture, report: ChipReport, row: Mapping[Hashable, Any]) -> Tile:
    image, true, clean, chip = (
        int(str(row[name])) for name in (columns.IMAGE, columns.TRUE_CLASS, columns.CLEAN_CLASS, columns.CHIP_CLASS)
    )
    sure = [100 * float(str(row[name])) for name in (columns.CLEAN_CONFIDENCE, columns.CHIP_CONFIDENCE)]
    names = report.class_names
    return Tile(
        pixels=look.pixels,
        title=f"{names[clean]} → {names[chip]}",
        lines=(
            f"is {names[true]}",
            f"clean {sure[0]:.0f} %, chip {sure[1]:.0f} %",
            f"{report.called.one} {image}",
        ),
        alt=f"Test {report.called.one} {image}, a {names[true]}",
    )
