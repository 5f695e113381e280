"""A provider's words are stored and shown in one line, whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.text import optional_text, printable, usable_id, usable_text


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 50))
def test_a_word_is_one_line_that_can_be_stored_and_is_no_longer_than_asked(
    text: str, limit: int
) -> None:
    kept = printable(text, limit)

    assert kept.isprintable()
    assert len(kept) <= limit
    assert kept.encode().decode() == kept


def test_what_can_be_printed_stays_as_it_is() -> None:
    assert printable("Étui à crayons, 12 €") == "Étui à crayons, 12 €"


def test_a_line_break_and_a_colour_become_spaces() -> None:
    assert printable("no\nmoney\x1b[31m") == "no money [31m"


def test_a_word_that_is_missing_stays_missing() -> None:
    """And one that is no text is shown as one."""
    assert optional_text(None) is None
    assert optional_text(42) == "42"


@pytest.mark.parametrize("found", ["pmt_1", "5B8cwPMG", "6ba7b810-9dad", "x" * 100])
def test_an_id_is_what_fits_into_a_path_and_a_column(found: str) -> None:
    assert usable_id({"id": found}, "id") == found


@pytest.mark.parametrize("found", [None, 7, "", "../refunds", "a b", "é", "a\n", "x" * 101, ["a"]])
def test_any_other_id_is_a_problem(found: object) -> None:
    with pytest.raises(LookupError, match="no usable id"):
        usable_id({"id": found}, "id", LookupError)


@pytest.mark.parametrize("said", [None, "", 7, [], {"a": 1}])
def test_what_is_no_text_is_a_problem(said: object) -> None:
    assert usable_text({"url": "https://pay.example"}, "url") == "https://pay.example"
    with pytest.raises(LookupError, match="no usable url"):
        usable_text({"url": said}, "url", LookupError)
