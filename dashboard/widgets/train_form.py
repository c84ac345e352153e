"""The form of one training: every setting of the models, and filling it from a run or a job."""

from typing import Any

import streamlit as st

from dashboard import address
from dashboard.data import forms
from dashboard.data.foreign import foreign
from dashboard.pages import Page
from dashboard.widgets.component_form import (
    DOWNLOAD,
    PREFIX,
    can_download,
    choose_component,
    component_fields,
    download_switch,
    fill_form,
    form_address,
)
from dashboard.widgets.control import Control
from neft.errors import ConfigError
from neft.experiments.recipes import RECIPES

MAIN_TRAINING = ("sigma_d", "epochs", "seed")
MAIN_DATA = ("image_size", "path", "labels", "channels", "layout", "signals")


EXPERT = "expert"
SCOPE = Control(
    key=address.TRAIN_AS,
    label="How much to decide",
    options={key: recipe.title for key, recipe in RECIPES.items()} | {EXPERT: "Expert"},
    help="A quick look and the paper's comparison ask for the method, its device variation and the seed alone.",
    is_always_said=True,
    shows_label=False,
)


def pick_scope() -> str:
    """How much the form asks for: a recipe's key, or EXPERT, which is meant by an address that holds fields alone."""
    has_fields = any(name.startswith(PREFIX) for name in st.query_params)
    if has_fields and address.TRAIN_AS not in st.query_params and address.TRAIN_AS not in st.session_state:
        st.session_state[address.TRAIN_AS] = EXPERT
    return SCOPE.draw()


def recipe_form(key: str) -> dict[str, Any]:
    """What a recipe leaves open; returns all option values."""
    recipe = RECIPES[key]
    left, middle, right = st.columns([2, 1, 1])
    with left:
        method = choose_component("method", "Method")
    with middle:
        sigma_d = component_fields("training", only=("sigma_d",))
    with right:
        seed = component_fields("training", only=("seed",))
    st.caption(recipe.words)
    return {**recipe.options, "method": method, **sigma_d, **seed}


def train_form() -> dict[str, Any]:
    """Draw the expert's form; returns option values, and under DOWNLOAD whether missing data may be fetched."""
    values: dict[str, Any] = {}
    left, right = st.columns(2)
    with left, st.container(border=True):
        values |= _family("dataset", "Data set", only=MAIN_DATA)
        if can_download(values["dataset"]):
            values[DOWNLOAD] = download_switch()
    with right, st.container(border=True):
        values |= _family("backbone", "Backbone")
    left, right = st.columns(2)
    with left, st.container(border=True):
        values |= _family("method", "Method")
        values |= _family("constraint", "Weight constraint")
    with right, st.container(border=True):
        values |= _family("device", "Device")
        values |= component_fields("training", only=MAIN_TRAINING)
    with st.expander(
        "From weights to chips: mapping, programming and what happens afterwards", icon=":material/memory:"
    ):
        left, right = st.columns(2)
        with left:
            values |= component_fields("mapping")
            values |= component_fields("converters")
        with right:
            values |= _family("programming", "Programming")
            values |= component_fields("effects")
    with st.expander("Training and evaluation in detail", icon=":material/tune:"):
        left, right = st.columns(2)
        with left:
            values |= component_fields("training", without=MAIN_TRAINING)
        with right:
            values |= component_fields("evaluation")
            values |= component_fields("dataset", values["dataset"], without=MAIN_DATA)
    return values


def _family(part: str, title: str, only: tuple[str, ...] = ()) -> dict[str, Any]:
    chosen = choose_component(part, title)
    return {part: chosen} | component_fields(part, chosen, only=only)


def fill_from_address() -> None:
    """Where the address asks for a run's settings: fill the form in, and put its fields into the address instead."""
    like = st.query_params.get(address.TRAIN_LIKE)
    if like is None:
        return
    other_seed = st.query_params.get(address.OTHER_SEED) is not None
    try:
        config_json = forms.next_seed(forms.config_like(like)) if other_seed else forms.config_like(like)
        fill_form(config_json)
    except ConfigError as error:
        words = f"The settings of {foreign(like[:130])} cannot be filled in: {foreign(str(error))}"
        st.warning(words, icon=":material/broken_image:")
        return
    st.session_state.pop(address.TRAIN_AS, None)
    st.switch_page(Page.TRAIN.file, query_params={address.TRAIN_AS: EXPERT, **form_address(config_json)})
