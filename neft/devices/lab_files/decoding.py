"""A laboratory's file as text: unpacked where it is gzip, decoded, and refused where it is something else."""

import io
import zlib

from neft.errors import ConfigError

MAX_BYTES = 50 * 1024 * 1024
"""Of a file, and of the text in it."""
GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
NO_TEXT: dict[bytes, str] = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"MATLAB 5.0": "a MATLAB file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
"""How other kinds of files begin."""


def decoded(content: bytes) -> str:
    """The text of a file.

    UTF-8 or UTF-16 by its mark; what is neither is read as Windows' Latin-1, in which old instruments write µ.

    Raises:
        ConfigError: too large, broken, or no text; then what it looks like.
    """
    _check_size(len(content))
    text = _unpacked(content) if content.startswith(GZIP) else content
    looks_like = next((kind for start, kind in NO_TEXT.items() if text.startswith(start)), None)
    if looks_like is not None:
        message = f"The file looks like {looks_like}; save its table as CSV (UTF-8)."
        raise ConfigError(message)
    encoding = "utf-16" if text[:2] in UTF_16 else "utf-8-sig"
    try:
        found = text.decode(encoding)
    except UnicodeDecodeError:
        found = text.decode("cp1252", errors="replace")
    if "\0" in found:
        message = "The file is no text, it holds null characters; save it as CSV (UTF-8)."
        raise ConfigError(message)
    return found


def _unpacked(content: bytes) -> bytes:
    """At most one byte more than is allowed, whatever a small file claims to hold."""
    reader = zlib.decompressobj(wbits=31)
    kept = io.BytesIO()
    rest = content
    try:
        while rest:
            _ = kept.write(reader.decompress(rest, MAX_BYTES + 1 - kept.tell()))
            _check_size(kept.tell())
            if not reader.eof:
                break
            rest = reader.unused_data
            reader = zlib.decompressobj(wbits=31)
            if not rest.startswith(GZIP):
                return kept.getvalue()
    except zlib.error as error:
        message = f"The file begins as gzip does, but cannot be unpacked ({error})."
        raise ConfigError(message) from None
    if rest:
        message = "The file begins as gzip does, but ends too early: it was not copied whole."
        raise ConfigError(message)
    return kept.getvalue()


def _check_size(num_bytes: int) -> None:
    if num_bytes > MAX_BYTES:
        message = (
            f"The file has more than {MAX_BYTES // 2**20} MB of text; at most so many are read. "
            "Take every tenth row: a level's std needs a few hundred devices."
        )
        raise ConfigError(message)
