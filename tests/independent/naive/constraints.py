"""What weight constraints make of one layer's weights, a list of rows by output."""

from math import sqrt, tanh

Rows = list[list[float]]
NAMES = {"none", "clip", "binary", "saturating", "unipolar"}


def _groups(rows: Rows, *, by_row: bool) -> list[list[float]]:
    return rows if by_row else [[weight for row in rows for weight in row]] * len(rows)


def held(name: str, rows: Rows, settings: dict[str, object]) -> Rows:
    """After a step: clamp(W, -a RMS, a RMS) of the layer or the output channel (after Joshi et al. 2020)."""
    if name != "clip":
        return rows
    found: Rows = []
    for row, group in zip(rows, _groups(rows, by_row=bool(settings["per_channel"])), strict=True):
        limit = float(str(settings["alpha"])) * sqrt(sum(w * w for w in group) / len(group))
        found.append([min(max(w, -limit), limit) for w in row])
    return found


def effective(name: str, rows: Rows, settings: dict[str, object]) -> Rows:
    """What lies in devices of what is trained.

    binary: the mean magnitude with V's sign (Courbariaux et al. 2015; Rastegari et al. 2016); saturating:
    b tanh(V / b), b the bound times Kaiming's sqrt(2 / fan-out) (a reconstruction); unipolar: s |V|
    (Garcia-Redondo et al., arXiv 1910.13850, a reconstruction).
    """
    if name == "binary":
        groups = _groups(rows, by_row=bool(settings["scale_per_channel"]))
        sizes = [sum(abs(w) for w in group) / len(group) for group in groups]
        return [[-size if w < 0 else size for w in row] for row, size in zip(rows, sizes, strict=True)]
    if name == "saturating":
        bound = float(str(settings["bound"])) * sqrt(2 / len(rows))
        return [[bound * tanh(w / bound) for w in row] for row in rows]
    if name == "unipolar" and settings["signs"] != "b":
        factor = 1.0 if settings["signs"] == "+" else -1.0
        return [[factor * abs(w) for w in row] for row in rows]
    return rows
