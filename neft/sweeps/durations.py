"""Times in words, as roughly as an estimate deserves."""


def duration(seconds: float) -> str:
    """Seconds as roughly as an estimate deserves: two digits.

    >>> [duration(seconds) for seconds in (0.4, 7.8, 83.0, 700.0, 5400.0, 200_000.0)]
    ['1 s', '8 s', '85 s', '12 min', '90 min', '2.5 days']
    """
    for unit, length, most in (("s", 1, 100), ("min", 60, 100), ("hours", 3600, 36)):
        if seconds < most * length:
            return f"{_rounded(seconds / length)} {unit}"
    return f"{_rounded(seconds / 86400)} days"


def _rounded(value: float) -> str:
    step = 0.5 if 1 < value < 5 else 1 if value < 20 else 5
    return f"{max(1, round(value / step) * step):g}"


def span(low: float, high: float) -> str:
    """From so many seconds to so many, the unit once where it is one.

    >>> span(61.0, 140.0), span(120.0, 700.0), span(10.0, 10.2)
    ('60 s to 2.5 min', '2 to 12 min', '10 s')
    """
    least, most = duration(low), duration(high)
    if least == most:
        return most
    number, _, unit = least.partition(" ")
    return f"{number if unit == most.partition(' ')[2] else least} to {most}"
