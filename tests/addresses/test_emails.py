"""E-mail addresses: which are written to, what their domain becomes, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addresses import emails


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann@Example.COM ", "Ann@example.com"),
        ("ann@exämple.com", "ann@xn--exmple-cua.com"),
        ("ann+shop@example.com", "ann+shop@example.com"),
    ],
)
def test_the_domain_is_written_as_mail_servers_know_it(typed: str, address: str) -> None:
    """P12: IDNA; the part before the @ belongs to the recipient's server and stays as typed."""
    assert emails.deliverable(typed) == address


@pytest.mark.parametrize("typed", ["", "ann", "ann@", "@example.com", "a b@example.com", "a@b@c"])
def test_what_is_no_address_is_said_with_an_example(typed: str) -> None:
    with pytest.raises(emails.Undeliverable, match=r"like name@example\.com"):
        emails.deliverable(typed)


@pytest.mark.parametrize("typed", ["zoë@example.com", "\u212a@example.com"])
def test_an_address_that_few_servers_take_is_said(typed: str) -> None:
    """P12: other letters than ASCII before the @ need SMTPUTF8."""
    with pytest.raises(emails.Undeliverable, match="plain letters before the @"):
        emails.deliverable(typed)


def test_all_spellings_of_an_address_are_one_customer() -> None:
    spellings = ("ann@exämple.com", " ANN@Exämple.COM", "ann@xn--exmple-cua.com")

    assert {emails.customer_key(each) for each in spellings} == {"ann@xn--exmple-cua.com"}


@given(st.text(min_size=1, max_size=10), st.text(min_size=1, max_size=10))
def test_two_people_never_have_one_key(one: str, other: str) -> None:
    """S17: whatever is typed, but for the case of ASCII letters."""

    def ascii_lower(text: str) -> str:
        return "".join(each.lower() if each.isascii() else each for each in text.strip())

    first, second = f"{one}@example.com", f"{other}@example.com"

    if emails.customer_key(first) == emails.customer_key(second):
        assert ascii_lower(first) == ascii_lower(second)


@pytest.mark.parametrize("text", ["shop@example.com", "Kiln & Kettle <shop@example.com>"])
def test_a_sender_is_one_mailbox(text: str) -> None:
    assert emails.sender(text) == text


@pytest.mark.parametrize(
    "text", ["Shop", "a@example.com, b@example.com", "a@example.com\nBcc: b@c"]
)
def test_a_sender_that_is_not_one_mailbox_is_refused(text: str) -> None:
    """T11: a line break would add a header of its own to every letter."""
    with pytest.raises(ValueError, match="is no sender like"):
        emails.sender(text)
