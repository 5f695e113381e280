"""What all card forms have in common."""

import re

#: A month, and a year of two digits or of this century; with one digit for the month only when
#: something stands between.
EXPIRY = re.compile(r"(?:(0?[1-9]|1[0-2])\s*[/-]\s*|(0[1-9]|1[0-2])\s*)(?:20)?([0-9]{2})", re.ASCII)


def read_expiry(text: str) -> str | None:
    """``0331``, ``03/31``, ``3/31``, ``03 / 2031`` and ``03-31`` are "03/31"; None: no expiry."""
    found = EXPIRY.fullmatch(text.strip())
    return f"{int(found[1] or found[2]):02}/{found[3]}" if found else None
