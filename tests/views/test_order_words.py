"""The words of each state: short enough for a tab, and true in every shop."""

import re
from string import Formatter

import pytest

from views.order_words import LATE, WORDS

#: What order_status.py fills in.
BLANKS = {"asked", "received", "owed", "provider", "reason", "letter", "instead", "gone"}


@pytest.mark.parametrize("state", sorted(WORDS))
def test_no_sentence_promises_a_letter(state: str) -> None:
    """A shop without a mail server sends none."""
    title, *sentences = WORDS[state]

    assert len(title) <= 24, "a tab shows no more"
    assert not re.search(r"we (also )?(write|send)|inbox|mail", " ".join(sentences), re.I)


@pytest.mark.parametrize("state", sorted(WORDS))
def test_a_sentence_has_only_blanks_that_are_filled_in(state: str) -> None:
    title, *sentences = WORDS[state]
    blanks = {name for each in sentences for _, name, _, _ in Formatter().parse(each) if name}

    assert blanks <= BLANKS
    assert "{" not in title, "a tab in the background shows the title as it is"


@pytest.mark.parametrize("state", ["held", "short", "refunded", "stopped", "twice"])
def test_where_money_may_be_missed_a_sentence_says_how_to_reach_a_person(state: str) -> None:
    """T10: with the order's number, by which a person finds it."""
    _, _, sentence = WORDS[state]

    assert "write to us" in sentence


def test_a_paid_order_that_is_late_is_not_told_to_pay_again() -> None:
    assert LATE.startswith("Your payment is safe.")
    assert not re.search(r"\b(pay|try) again", LATE)
