"""
What a phone number costs: read off the numbering plans, and by libphonenumber alone.

    python benchmarks/phones.py [--rounds 5]

Both ways read the same numbers in one process, in turn, so that the ratio
holds on a machine whose speed drifts. The numbers are libphonenumber's own
examples, as people write them, and the same with a digit too few.
"""

from __future__ import annotations

import argparse
import statistics
import time
from contextlib import AbstractContextManager
from unittest import mock

from phonenumbers import PhoneNumberFormat, example_number_for_type, format_number

from consumer.mapping.normalize import phones

COUNTRIES = ("FR", "US", "GB", "DE", "IT", "ES", "BE", "CA")
KINDS = (0, 1)  # fixed line, mobile
FORMS = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)


def numbers() -> dict[str, list[tuple[str, str]]]:
    """Form -> (text, country) of each example."""
    found: dict[str, list[tuple[str, str]]] = {
        "+ and digits": [],
        "international": [],
        "national": [],
        "not valid": [],
    }
    for country in COUNTRIES:
        for kind in KINDS:
            number = example_number_for_type(country, kind)
            assert number is not None
            texts = [format_number(number, form) for form in FORMS]
            for name, text in zip(found, texts, strict=False):
                found[name].append((text, country.lower()))
            found["not valid"].append((texts[0][:-1], country.lower()))
    return found


def cost_us(texts: list[tuple[str, str]], times: int = 50) -> float:
    """Microseconds a number."""
    started = time.perf_counter()
    for _ in range(times):
        for text, country in texts:
            phones.phone_digits(text, country)
    return (time.perf_counter() - started) * 1e6 / (times * len(texts))


def without_plans() -> AbstractContextManager[object]:
    """As if no number stood in a plan."""
    return mock.patch.object(phones, "_in_plan", lambda number, country: None)


def main() -> None:
    """Print a row for each form, with the ratio of the two ways."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'numbers':<15}{'plans, µs':>12}{'alone, µs':>12}{'ratio':>8}")
    for name, texts in numbers().items():
        answers = [phones.phone_digits(*each) for each in texts]
        with without_plans():
            assert [phones.phone_digits(*each) for each in texts] == answers
        planned, alone = [], []
        for _ in range(rounds):
            planned.append(cost_us(texts))
            with without_plans():
                alone.append(cost_us(texts))
        ratio = statistics.median(slow / fast for slow, fast in zip(alone, planned, strict=True))
        print(f"{name:<15}{statistics.median(planned):>12.1f}{statistics.median(alone):>12.1f}{ratio:>8.1f}")


if __name__ == "__main__":
    main()
