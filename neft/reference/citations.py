"""Who is cited, once (`citations.toml`): a key such as `[Qin2025]` stands wherever code or a page names a source.

`cite` puts words in the place of keys where a reader sees them, `references` gives their sources in full.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from neft.errors import unknown_name

FILE = Path(__file__).with_name("citations.toml")
KEY = re.compile(r"\[([A-Z][A-Za-z]*\d{4}[a-z]?)\]")
MOST_NAMES = 3
"""Of more authors a reference names the first."""


@dataclass(frozen=True)
class Citation:
    """One source."""

    authors: tuple[str, ...]
    """Initials and family name."""
    year: int
    title: str
    venue: str = ""
    doi: str = ""
    arxiv: str = ""
    numbering: str = ""
    """The version whose numbers of sections, equations, tables and figures are meant."""

    @property
    def families(self) -> tuple[str, ...]:
        """The authors' family names."""
        return tuple(author.rpartition(". ")[2] for author in self.authors)

    @property
    def short(self) -> str:
        """As it stands in a sentence: `Qin et al. 2025`."""
        first, *others = self.families
        if len(others) > 1:
            return f"{first} et al. {self.year}"
        return f"{' and '.join((first, *others))} {self.year}"

    @property
    def full(self) -> str:
        """Authors, title, where it appeared and how to find it: one line of Markdown."""
        authors = ", ".join(self.authors) if len(self.authors) <= MOST_NAMES else f"{self.authors[0]} et al."
        found = (("doi", self.doi), ("arXiv", self.arxiv))
        places = [f"{self.venue} {self.year}".strip(), *(f"{kind} {number}" for kind, number in found if number)]
        numbers = f"; numbered as in {self.numbering}" if self.numbering else ""
        return f"{authors}: *{self.title}*, {', '.join(places)}{numbers}."

    def bibtex(self, key: str) -> str:
        """As an entry of a BibTeX file, under this key."""
        # a braced title keeps its capitals
        fields = {
            "author": " and ".join(self.authors),
            "title": f"{{{self.title}}}",
            "year": str(self.year),
            "howpublished" if not self.venue else "journal": self.venue or "arXiv",
            "doi": self.doi,
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
        }
        body = ",\n".join(f"  {name} = {{{_for_bibtex(words)}}}" for name, words in fields.items() if words)
        return f"@{'article' if self.venue else 'misc'}{{{key},\n{body},\n}}\n"


def _for_bibtex(words: str) -> str:
    return re.sub(r"([&%$#])", r"\\\1", words)


@cache
def citations() -> Mapping[str, Citation]:
    """Every source by its key."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return MappingProxyType({key: Citation(tuple(entry.pop("authors")), **entry) for key, entry in entries.items()})


def cite(text: str) -> str:
    """The text with words in the place of its keys.

    Raises:
        ConfigError: a key that is not known.

    >>> cite("the spread of [Qin2025], Eq. 5")
    'the spread of Qin et al. 2025, Eq. 5'
    """
    return KEY.sub(lambda found: _citation(found[1]).short, text)


def references(text: str) -> tuple[str, ...]:
    """The sources that a text cites, in full, each once, in the order of their first key.

    Raises:
        ConfigError: a key that is not known.

    >>> references("Adam ([Kingma2015])")
    ('D. P. Kingma, J. Ba: *Adam: A Method for Stochastic Optimization*, ICLR 2015, arXiv 1412.6980.',)
    """
    return tuple(dict.fromkeys(_citation(key).full for key in KEY.findall(text)))


def bibtex(text: str) -> str:
    """The sources that a text cites as entries of a BibTeX file, each once.

    Raises:
        ConfigError: a key that is not known.
    """
    return "\n".join(_citation(key).bibtex(key) for key in dict.fromkeys(KEY.findall(text)))


def with_references(text: str) -> str:
    """Markdown with words in the place of its keys, and the sources below."""
    sources = "".join(f"- {source}\n" for source in references(text))
    return f"{cite(text).rstrip()}\n\n{sources}" if sources else text


def _citation(key: str) -> Citation:
    known = citations()
    if key in known:
        return known[key]
    error = unknown_name("citation", key, known)
    raise error
