"""Countries of the address form: which there are, in which order, and who needs a postal code."""

from hypothesis import given
from hypothesis import strategies as st

from addresses.countries import COUNTRIES, POSTAL_CODE_REQUIRED, reading_order


def test_every_country_has_a_code_of_two_letters_and_a_name() -> None:
    assert COUNTRIES["BE"] == "Belgium"
    assert len(set(COUNTRIES.values())) == len(COUNTRIES) > 200
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES)


def test_only_countries_of_the_form_need_a_postal_code() -> None:
    assert set(COUNTRIES) >= POSTAL_CODE_REQUIRED
    assert not set(COUNTRIES) & {"EU", "ZZ", "UN"}


def test_names_stand_where_readers_look_for_them() -> None:
    """S22: an accent does not move a name to the end."""
    names = list(COUNTRIES.values())

    assert names.index("Åland Islands") < names.index("Albania")
    assert names.index("Costa Rica") < names.index("Côte d’Ivoire") < names.index("Croatia")


@given(st.text())
def test_any_name_has_a_place_and_its_case_does_not_change_it(name: str) -> None:
    assert reading_order(name) == reading_order(reading_order(name))
