"""Device technologies, from the computing process; without torch in this one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dashboard.computing import process
from dashboard.computing.answers import StdAt, Technology

if TYPE_CHECKING:
    from dashboard.computing.work import technologies as work
else:
    work = process.remote("dashboard.computing.work.technologies")

__all__ = ["StdAt", "Technology"]


@st.cache_resource(max_entries=1, show_spinner="Reading the technologies …")
def names() -> dict[str, str]:
    """Of every technology, and what it is called."""
    return work.names()


@st.cache_resource(max_entries=64, show_spinner="Sampling devices …")
def technology(name: str, device_bits: int) -> Technology:
    """What is known of one, as devices of K bits.

    Raises:
        ConfigError: no such technology, or not of so many bits.
    """
    return work.technology(name, device_bits)


@st.cache_resource(max_entries=32, show_spinner=False)
def bits_of(name: str) -> tuple[int, ...]:
    """The bits of which there are devices of a technology."""
    return work.bits_of(name)


@st.cache_data(max_entries=1, show_spinner=False)
def overview() -> pd.DataFrame:
    """A row per technology: label, technology, g_min, g_max (µS), sigma_d, least, most (over the range), source."""
    return work.overview()


@st.cache_resource(max_entries=64, show_spinner=False)
def std_at(name: str, conductance: float) -> StdAt | None:
    """std(g) of one conductance; None where a technology tells stds of its levels alone."""
    return work.std_at(name, conductance)


@st.cache_resource(max_entries=1, show_spinner=False)
def units() -> dict[str, str]:
    """In which a std can be given, by name."""
    return work.units()


@st.cache_resource(max_entries=64, show_spinner=False)
def conversion(name: str, device_bits: int, value: float, unit: str, g_max: float) -> Mapping[str, float]:
    """A std in every unit, by the units' names, on this technology with a maximal conductance in µS.

    Raises:
        ConfigError: what cannot be converted.
    """
    return work.conversion(name, device_bits, value, unit, g_max)
