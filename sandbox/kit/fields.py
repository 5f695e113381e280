"""What the fields of a call must be: a table of rules for each call, in the provider's words."""

from collections.abc import Callable, Iterable
from typing import Any

#: A field, what its value must be, and what is said otherwise. "!" marks a field that must be
#: there; "customer.email" stands inside another.
Rule = tuple[str, Callable[[Any], bool], str]

NOT_SENT = object()


def broken(rules: Iterable[Rule], sent: Any) -> dict[str, str]:
    """Field -> the sentence of the first rule that it breaks, in the order of the rules."""
    found: dict[str, str] = {}
    for name, holds, sentence in rules:
        field, value = name.rstrip("!"), sent
        for part in field.split("."):
            value = value.get(part, NOT_SENT) if isinstance(value, dict) else NOT_SENT
        if value is NOT_SENT and name.endswith("!"):
            value = None
        if value is not NOT_SENT and field not in found and not holds(value):
            found[field] = sentence
    return found


def is_given(value: object) -> bool:
    return value not in (None, "")
