"""neft licences."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import click
from rich.table import Table

from neft.cli.fitting_tables import print_table
from neft.cli.output import print_json
from neft.cli.shared_options import json_option

PACKAGE = "neft"
UNNAMED = "not stated"
LICENCES = "License :: "
NAME = re.compile(r"[\w.-]+")
OF_AN_EXTRA = re.compile(r";.*\bextra\s*==")
LONGEST = 80
"""Characters; some packages have their licence's whole text where its name should be."""


@click.command()
@json_option
def licences(*, as_json: bool) -> None:
    """List what is installed with neft, and under which licences, as each package states it.

    Packages that another one needs on this system are listed; those of extras, such as [cluster], are not.
    """
    rows = [
        {"package": name, "version": found.version, "licence": stated_licence(found)}
        for name, found in sorted(installed_with(PACKAGE).items())
    ]
    if as_json:
        print_json({"licences": rows})
        return
    table = Table("package", "version", "licence")
    for row in rows:
        table.add_row(*row.values())
    print_table(table)


def installed_with(package: str) -> dict[str, Distribution]:
    """A package and all that it needs, by name; what another system alone would need is not installed, and left out."""
    found: dict[str, Distribution] = {}
    asked = [package]
    while asked:
        name = re.sub(r"[-_.]+", "-", asked.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or []:
            needed = NAME.match(line)
            if needed and not OF_AN_EXTRA.search(line):
                asked.append(needed[0])
    return found


def stated_licence(found: Distribution) -> str:
    """What a package says of its licence: an expression, a classifier, or the first line of what it wrote."""

    def said(key: str) -> list[str]:
        return found.metadata.get_all(key) or []

    classifiers = [line.rpartition(" :: ")[2] for line in said("Classifier") if line.startswith(LICENCES)]
    for stated in (*said("License-Expression"), ", ".join(classifiers), *said("License")):
        line = stated.strip().partition("\n")[0]
        if line and line != "OSI Approved":
            return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return UNNAMED
