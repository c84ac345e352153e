"""What the address says of a choice, and having it say what was chosen: keys and ids, never the words that are shown.

A widget bound by Streamlit writes what it shows; words change with what is stored and with the language of the page,
keys do not. Addresses of before hold words: these are understood, and written anew as keys.
"""

import math
import time
from collections.abc import Mapping, Sequence

import streamlit as st

LATE = 3.0
"""Seconds in which a browser may still send an address that has been written anew: its next choice came before that."""

_PAGE, _TURNED = "page_drawn", "page_turned"


def asked(parameter: str) -> list[str]:
    """All values of a parameter."""
    return st.query_params.get_all(parameter)


def is_news(parameter: str) -> bool:
    """Whether the address says of a parameter what `keep` wrote neither last nor just before: a link or a hand did."""
    said = asked(parameter)
    return said != st.session_state.get(_written(parameter), []) and said not in _late(parameter).values()


def keep(parameter: str, values: Sequence[str]) -> None:
    """Have the address hold these values; none leaves it."""
    held = list(values)
    if held and (is_news(parameter) or held != asked(parameter)):
        st.query_params[parameter] = held  # also where it reads so already: a link to this page may not show it
    elif not held and parameter in st.query_params:
        del st.query_params[parameter]
    last = st.session_state.get(_written(parameter), [])
    if held != last:
        st.session_state[_earlier(parameter)] = {**_late(parameter), time.monotonic(): last}
    st.session_state[_written(parameter)] = held


def turn_to(page: str) -> None:
    """Note which page is drawn."""
    st.session_state[_TURNED] = st.session_state.get(_PAGE) != page
    st.session_state[_PAGE] = page


def is_turned() -> bool:
    """Whether another page was drawn before: what the session holds under a key is that page's, and no widget's yet."""
    return bool(st.session_state.get(_TURNED, False))


def keys_of(said: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """Which options are meant by their keys or, in addresses of before, by the words shown; others are left out.

    >>> keys_of(["ovf", "Noise injection", "?"], {"ovf": "OVF", "noise_injection": "Noise injection"})
    ['ovf', 'noise_injection']
    """
    by_words = {words: key for key, words in options.items()}
    found = (one if one in options else by_words.get(one) for one in said)
    return list(dict.fromkeys(key for key in found if key is not None))


def finite(parameter: str) -> str:
    """The parameter of a field of whole numbers, once the address says nothing infinite of it.

    Streamlit leaves out what is no number or out of bounds, but fails at making infinity (`inf`, `1e999`) an integer.
    """
    said = asked(parameter)
    if said and _is_infinite(said[-1]):
        del st.query_params[parameter]
        st.rerun()
    return parameter


def _is_infinite(said: str) -> bool:
    try:
        return math.isinf(float(said))
    except ValueError:
        return False


def _late(parameter: str) -> dict[float, list[str]]:
    """What was written before, of late, by the time at which it was written over."""
    since = time.monotonic() - LATE
    earlier: dict[float, list[str]] = st.session_state.get(_earlier(parameter), {})
    return {at: values for at, values in earlier.items() if at > since}


def _written(parameter: str) -> str:
    return f"written_{parameter}"


def _earlier(parameter: str) -> str:
    return f"written_before_{parameter}"
