"""The figures of a run of the bench: numbers by name, in a JSON file that each measurement adds its own to.

    {"function / floor, demands": 1.19, "node / function, demands": 1.17, ...}

A name says what is divided by what, and on which batch; bench/reach.py has the marks of some of them.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

Figures: TypeAlias = dict[str, float]


def figures_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option by which a measurement is told where to add its figures."""
    parser.add_argument("--figures", type=Path, help="a JSON file to add the figures to")


def read_figures(file: Path) -> Figures:
    """Return the figures in a file; if it does not exist, an empty dictionary."""
    found: Figures = json.loads(file.read_text()) if file.exists() else {}
    return found


def add_figures(file: Path | None, found: Mapping[str, float]) -> None:
    """Add figures to a file, rounded to four digits. Without a file nothing is written."""
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    rounded = {name: float(f"{value:.4g}") for name, value in found.items()}
    file.write_text(json.dumps(read_figures(file) | rounded, indent=1) + "\n")
