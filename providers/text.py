"""A provider's words and ids, made safe to store, to show and to send."""

import re
from collections.abc import Mapping
from typing import Any

#: Ids are opaque, stand in columns, and travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


def printable(text: object, limit: int = 500) -> str:
    """A provider's word, safe to store and show: one line, no control characters, not endless."""
    kept = "".join(each if each.isprintable() else " " for each in str(text)[:limit])
    return kept.encode("utf-8", "replace").decode()


def optional_text(text: object, limit: int = 500) -> str | None:
    """The same for a word that may be missing: null stays None."""
    return None if text is None else printable(text, limit)


def usable_id(data: Mapping[str, Any], name: str, problem: type[Exception] = ValueError) -> str:
    """The provider's id of something, of 1 to 100 letters, digits, ``_`` and ``-``.

    :raise problem: it is missing, or anything else.
    """
    found = data.get(name)
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem(f"no usable {name}")
    return found


def usable_text(data: Mapping[str, Any], name: str, problem: type[Exception] = ValueError) -> str:
    """Something the provider says, as it is.

    :raise problem: it is missing, blank, or no text.
    """
    found = data.get(name)
    if not isinstance(found, str) or not found:
        raise problem(f"no usable {name}")
    return found
