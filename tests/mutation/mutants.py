"""Content that is nearly right: bytes changed, or values of JSON replaced by odd ones."""

import copy
import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**70, 10**400, -1e308, 1e-320, float("nan"), float("inf"), "", "x" * 100_000, "\x1b[31mred"),
    *("a\nb\rc\x00d", "\ud800", "../../etc/passwd", "[link](http://a.b)", [], {}, [[]], {"name": "x"}, [1, "2", None]),
    *("2026-13-45", [float("nan")] * 3, {"": ""}, list(range(5000))),
)
NESTED = "[" * 100_000


def mutated(content: bytes, rng: random.Random, *, is_json: bool) -> bytes:
    """The content with a fault or a few."""
    if is_json and rng.random() < 0.75:
        return _odd_json(content, rng)
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed = _changed(changed, rng)
    return bytes(changed)


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
