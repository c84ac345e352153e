"""Content that is nearly right: bytes changed, or values of JSON and of tables replaced by odd ones."""

import copy
import gzip
import io
import json
import random
from typing import Any

import pandas as pd

from neft import columns

ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**70, 10**400, -1e308, 1e-320, float("nan"), float("inf"), "", "x" * 100_000, "\x1b[31mred"),
    *("a\nb\rc\x00d", "\ud800", "../../etc/passwd", "[link](http://a.b)", [], {}, [[]], {"name": "x"}, [1, "2", None]),
    *("2026-13-45", [float("nan")] * 3, {"": ""}, list(range(5000))),
)
NESTED = "[" * 100_000
ODD_NUMBERS: tuple[Any, ...] = (0.999, -0.5, 2.0, 7, -3, 10**15, 10**18, 10**30, 1e300, 0, "yesterday", "OVF", True)
"""Such as a record or a table could hold, were it another's."""


def mutated(content: bytes, rng: random.Random, *, is_json: bool) -> bytes:
    """The content with a fault or a few."""
    if is_json and rng.random() < 0.75:
        return _odd_json(content, rng)
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed = _changed(changed, rng)
    return bytes(changed)


def odd_record(content: bytes, rng: random.Random) -> bytes:
    """A record with another plain value of its facts, provenance or summary, where one stood."""
    raw = json.loads(content)
    parts = [raw["facts"], raw["provenance"], raw["summary"]]
    plain = [
        (holder, key)
        for holder in _holders(parts)
        for key, value in (holder.items() if isinstance(holder, dict) else enumerate(holder))
        if not isinstance(value, dict | list)
    ]
    holder, key = rng.choice(plain)
    before = holder[key]
    numbers = [2 * before, before + 1, -before] if isinstance(before, int | float) else []
    holder[key] = rng.choice([*ODD_NUMBERS, *numbers])
    return _dumped(raw)


def odd_table(content: bytes, name: str, rng: random.Random) -> bytes:
    """A table with other values, other rows or without a column."""
    table = _read(content, name)
    column = rng.choice(list(table.columns))
    other = rng.choice((*ODD_NUMBERS, float("nan"), float("inf"), None))
    match rng.randrange(6):
        case 0:
            table = table.drop(columns=column)
        case 1:
            table = pd.concat([table, table], ignore_index=True)
        case 2:
            table = table.head(rng.choice((0, 1, max(len(table) - 1, 0))))
        case 3 if len(table):
            values = table[column].astype(object).tolist()
            values[rng.randrange(len(values))] = other
            table[column] = values
        case _:
            table[column] = [other] * len(table)
    # a column of parquet has one type, and no whole numbers that are too large for it
    for one in table if name.endswith(".parquet") else ():
        numbers = pd.to_numeric(table[one], errors="coerce").astype(float)
        table[one] = table[one].astype(str) if (numbers.isna() & table[one].notna()).any() else numbers
    return _written(table, name)


def _read(content: bytes, name: str) -> pd.DataFrame:
    if name.endswith(".parquet"):
        return pd.read_parquet(io.BytesIO(content))
    plain = gzip.decompress(content) if name.endswith(".gz") else content
    return pd.read_csv(io.BytesIO(plain), dtype={columns.LAYER: str})


def _written(table: pd.DataFrame, name: str) -> bytes:
    if name.endswith(".parquet"):
        packed = io.BytesIO()
        table.to_parquet(packed, index=False)
        return packed.getvalue()
    text = table.to_csv(index=False).encode()
    return gzip.compress(text) if name.endswith(".gz") else text


def _changed(content: bytearray, rng: random.Random) -> bytearray:
    # a share of the length, so that a longer file takes no other draws: times and durations differ from run to run
    place, length = int(rng.random() * (len(content) + 1)), rng.choice((1, 4, 64))
    flipped = bytearray(content)
    if flipped:
        flipped[place % len(flipped)] ^= 1 << rng.randrange(8)
    torn = [content[:place], content[:place] + content[place + length :], bytearray()]
    longer = [content[:place] + rng.randbytes(length) + content[place:], content + content[place:]]
    return rng.choice((*torn, *longer, bytearray(NESTED.encode()), flipped, flipped))


def _odd_json(content: bytes, rng: random.Random) -> bytes:
    try:
        lines = content.splitlines() if b"\n" in content.strip() and content.startswith(b'{"') else [content]
        number = rng.randrange(len(lines))
        raw = json.loads(lines[number])
    except ValueError:
        return content[: len(content) // 2]
    holders = [holder for holder in _holders(raw) if holder]
    if holders:
        holder = rng.choice(holders)
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder["newer"] = rng.choice(ODD)
            case 2 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[key] = rng.choice(ODD)
    else:
        raw = rng.choice(ODD)
    lines[number] = _dumped(raw)
    return b"\n".join(lines)


def _holders(raw: Any) -> list[Any]:
    inside = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    own = [raw] if isinstance(raw, dict | list) else []
    return own + [holder for value in inside for holder in _holders(value)]


def _dumped(raw: Any) -> bytes:
    return json.dumps(raw).encode()
