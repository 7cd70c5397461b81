"""Which country a text names."""

from __future__ import annotations

import gettext
from typing import Any

import pycountry
import pytest
from babel import Locale

from consumer.mapping.normalize import places
from consumer.mapping.normalize.places import alpha_2, country_codes
from consumer.mapping.values import MALFORMED, casefold_nfc


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "555",
        "@",
        "x",
        "xx",
        "zz",
        "eu",
        "xk",
        "n/a",
        "f/r",
        "f-r",
        "frr",
        "Korea",
        "Atlantis",
        "Europe",
        "United Nations",
        "Kongo",
        "Paris",
        "\u0301",
        "France" + "!" * 195,
    ],
)
def test_what_names_no_country_or_several_is_malformed(cold: None, text: str) -> None:
    assert alpha_2(casefold_nfc(text)) is MALFORMED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FR", "fr"),
        (" fr ", "fr"),
        ("Fr.", "fr"),
        ("F.R.", "fr"),
        ("F\u00a0R", "fr"),
        ("FR 75", "fr"),
        ("U.S.", "us"),
        ("na", "na"),
        ("FRA", "fr"),
        ("U.S.A.", "us"),
        ("usa", "us"),
        ("G-B-R", "gb"),
        ("DEU", "de"),
    ],
)
def test_codes_of_two_and_three_letters_are_read(text: str, expected: str) -> None:
    assert alpha_2(casefold_nfc(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("France", "fr"),
        ("Royaume-Uni", "gb"),
        ("UNITED   KINGDOM", "gb"),
        ("United|States", "us"),
        ("United States of America", "us"),
        ("États-Unis", "us"),
        ("Etats Unis", "us"),
        ("États-Unis d’Amérique", "us"),
        ("Côte d'Ivoire", "ci"),
        ("Cote d’Ivoire", "ci"),
        ("Allemagne", "de"),
        ("Pays-Bas", "nl"),
        ("South Korea", "kr"),
        ("Corée du Nord", "kp"),
        ("Bolivia, Plurinational State of", "bo"),
        ("Iran Islamic Republic of", "ir"),
        ("Vietnam", "vn"),
        ("Viet Nam", "vn"),
        ("Czech Republic", "cz"),
        ("Czechia", "cz"),
        ("Trinidad & Tobago", "tt"),
        ("Trinidad and Tobago", "tt"),
        ("Congo", "cg"),
        ("République française", "fr"),
        ("The Bahamas", "bs"),
        ("State of Palestine", "ps"),
        ("Réunion", "re"),
        ("Georgia", "ge"),
        ("Jordanie", "jo"),
    ],
)
def test_english_and_french_names_are_read_without_accents_and_punctuation(text: str, expected: str) -> None:
    assert alpha_2(casefold_nfc(text)) == expected


def test_a_name_with_200_characters_is_read() -> None:
    assert alpha_2("france" + "!" * 194) == "fr"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UK", "gb"),
        ("U.K.", "gb"),
        ("Great Britain", "gb"),
        ("Grande-Bretagne", "gb"),
        ("Turkey", "tr"),
        ("Ivory Coast", "ci"),
        ("The Netherlands", "nl"),
        ("Holland", "nl"),
        ("Republic of Korea", "kr"),
        ("Macedonia", "mk"),
        ("Palestine", "ps"),
        ("Vatican", "va"),
        ("Burma", "mm"),
        ("Birmanie", "mm"),
        ("Swaziland", "sz"),
        ("Macau", "mo"),
    ],
)
def test_aliases_are_read(text: str, expected: str) -> None:
    assert alpha_2(casefold_nfc(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Deutschland", "de"),
        ("España", "es"),
        ("Italia", "it"),
        ("België", "be"),
        ("Brasil", "br"),
        ("Polska", "pl"),
        ("Sverige", "se"),
        ("Danmark", "dk"),
        ("Norge", "no"),
        ("Suomi", "fi"),
        # each of these is said in one of the ten only
        ("Österreich", "at"),
        ("Alemania", "de"),
        ("Svizzera", "ch"),
        ("Duitsland", "de"),
        ("Alemanha", "de"),
        ("Niemcy", "de"),
        ("Österrike", "at"),
        ("Østrig", "at"),
        ("Østerrike", "at"),
        ("Saksa", "de"),
    ],
)
def test_names_in_ten_more_languages_are_read(cold: None, text: str, expected: str) -> None:
    assert alpha_2(casefold_nfc(text)) == expected


@pytest.fixture
def cold() -> None:
    """The tables are not built yet, as for the first event of a process."""
    for table in vars(places).values():
        if hasattr(table, "cache_clear"):
            table.cache_clear()


FRENCH = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["fr"]).gettext


def said_of(country: Any) -> set[Any]:
    """Codes and names, English and French."""
    said = [getattr(country, key, "") for key in ("name", "official_name", "common_name")]
    names = [name for name in said if name]
    return {country.alpha_2, country.alpha_3, *names, *map(FRENCH, names)}


def test_every_code_and_name_of_pycountry_is_read(cold: None) -> None:
    expected = {text: country.alpha_2.lower() for country in pycountry.countries for text in said_of(country)}
    assert {text: alpha_2(casefold_nfc(text)) for text in expected} == expected
    assert len(expected) > 1_000


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_name_of_babel_is_read_in_english_and_french(cold: None, language: str) -> None:
    territories = Locale(language).territories.items()
    names = {name: code.lower() for code, name in territories if code.lower() in country_codes()}
    assert {name: alpha_2(casefold_nfc(name)) for name in names} == names
    assert len(names) == 249


def test_every_code_is_its_own_name() -> None:
    assert len(country_codes()) == 249
    assert {alpha_2(code) for code in country_codes()} == country_codes()


@pytest.mark.parametrize("text", ["fr75", "f.r. 75", "fr\u0667\u0665", "75 fr"])
def test_digits_of_any_script_beside_a_code_do_not_count(text: str) -> None:
    assert alpha_2(text) == "fr"
