"""
What the libraries that know countries and telephones cost: to import, in memory, at first use.

    python benchmarks/libraries.py [--rounds 5]

Each row is measured in interpreters of its own. First use is what the first
value of its kind pays, such as reading the names of countries in ten languages.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

PROBE = """
import time

def resident_kb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

before, started = resident_kb(), time.perf_counter()
{setup}
ready = time.perf_counter()
{use}
used = time.perf_counter()
print((ready - started) * 1e3, (used - ready) * 1e3, (resident_kb() - before) / 1024)
"""
ROWS = {
    "phonenumbers": (
        "import phonenumbers",
        "phonenumbers.is_valid_number(phonenumbers.parse('+33612345678'))",
    ),
    "pycountry": ("import pycountry", "pycountry.countries.get(alpha_2='FR')"),
    "babel": ("from babel import Locale", "Locale('fr').territories"),
    "a phone number, in its plan": (
        "from consumer.mapping.normalize.phones import phone_digits",
        "phone_digits('06 12 34 56 78', 'fr')",
    ),
    "a country, by its code": ("from consumer.mapping.normalize.places import alpha_2", "alpha_2('fr')"),
    "a country, by its French name": (
        "from consumer.mapping.normalize.places import alpha_2",
        "alpha_2('royaume-uni')",
    ),
    "a country, by no name at all": (
        "from consumer.mapping.normalize.places import alpha_2",
        "alpha_2('atlantis')",
    ),
    "the whole mapping": ("import consumer.mapping.decide", "pass"),
}


def measured(setup: str, use: str) -> list[float]:
    """Milliseconds of `setup`, of `use`, and MiB of both, in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(setup=setup, use=use)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return [float(number) for number in done.stdout.split()]


def main() -> None:
    """Print the medians, a row each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'':<32}{'import, ms':>12}{'first use, ms':>15}{'memory, MiB':>13}")
    for name, (setup, use) in ROWS.items():
        runs = [measured(setup, use) for _ in range(rounds)]
        imported, used, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name:<32}{imported:>12.1f}{used:>15.1f}{memory:>13.1f}")


if __name__ == "__main__":
    main()
