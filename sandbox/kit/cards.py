"""Card forms: what a test card does, and how a page reads what was typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

#: A month, and a year of two digits or of this century; with one digit for the month only when
#: something stands between.
EXPIRY = re.compile(r"(?:(0?[1-9]|1[0-2])\s*[/-]\s*|(0[1-9]|1[0-2])\s*)(?:20)?([0-9]{2})", re.ASCII)
NOT_LISTED = "This page takes test cards only. They are listed under “Sandbox”."


@dataclass(frozen=True)
class Card:
    """A number that a page lists."""

    key: str  # names it in links that fill it in
    number: str
    brand: str
    sentence: str
    succeeds: bool = True
    three_d_secure: bool = False

    @property
    def grouped(self) -> str:
        return " ".join(re.findall("....", self.number))


def find(cards: Sequence[Card], form: Mapping[str, str]) -> Card | None:
    """The listed card whose ``number`` was typed."""
    return next((card for card in cards if card.number == digits(form)), None)


def digits(form: Mapping[str, str]) -> str:
    return re.sub(r"[\s-]", "", form.get("number", ""))


def filled(cards: Sequence[Card], key: str | None, code: str = "cvv") -> dict[str, str]:
    """A listed card as if it had been typed in; nothing when there is no such card."""
    card = next((each for each in cards if each.key == key), None)
    if card is None:
        return {}
    return {"number": card.grouped, "expiry": "12/34", code: "123", "holder": "Mia Potter"}


def errors(
    form: Mapping[str, str], today: date, *, code: str = "cvv", code_digits: Sequence[int] = (3,)
) -> dict[str, str]:
    """A sentence for each of ``number``, ``expiry``, ``holder`` and ``code`` that is wrong."""
    number, expiry = digits(form), read_expiry(form.get("expiry", ""))
    found = {}
    if not re.fullmatch(r"[0-9]{12,19}", number) or not _passes_luhn(number):
        found["number"] = "This is not a card number. Please check the digits."
    if expiry is None:
        found["expiry"] = "Enter month and year, like 04/30."
    elif is_over(expiry, today):
        found["expiry"] = "This card has expired."
    given = form.get(code, "").strip()
    if not re.fullmatch(r"[0-9]+", given) or len(given) not in code_digits:
        found[code] = f"Enter {' or '.join(map(str, code_digits))} digits."
    if not form.get("holder", "").strip():
        found["holder"] = "Enter the name on the card."
    return found


def read_expiry(text: str) -> str | None:
    """``0331``, ``03/31``, ``3/31``, ``03 / 2031`` and ``03-31`` are "03/31"; None: no expiry."""
    found = EXPIRY.fullmatch(text.strip())
    return f"{int(found[1] or found[2]):02}/{found[3]}" if found else None


def is_over(expiry: str, today: date) -> bool:
    return (2000 + int(expiry[3:]), int(expiry[:2])) < (today.year, today.month)


def _passes_luhn(number: str) -> bool:
    """Every second digit from the right is doubled; the digits of the results add up to tens."""
    doubled = [int(digit) * 2 for digit in number[-2::-2]]
    return (sum(int(d) for d in number[-1::-2]) + sum(n - 9 * (n > 9) for n in doubled)) % 10 == 0
