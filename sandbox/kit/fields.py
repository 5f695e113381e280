"""What the fields of a call must be: a table for each call, read by one function.

A table is made of rules. A dict of fields is an object, in which "!" marks a field that must be
there. A list holds the rule of its items, and a check of the list itself. A tuple holds the words
to choose from. Anything else is a check: a function that says what is wrong; "" if nothing is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Check = Callable[[Any], str]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Words:
    """What is said of any field."""

    #: One that must be there is not; "": its own rule says so, of None.
    missing: str = ""
    unknown: str = ""  # one that the table does not know; "": it is accepted
    no_object: str = ""
    no_choice: str = ""

    def problems(self, value: Any, rule: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
        """Where a value breaks its rule, and what is said of that, in the order of the table."""
        if isinstance(rule, dict):
            yield from self._of_object(value, rule, path)
        elif isinstance(rule, list):
            of_item, check = rule
            if said := check(value):
                yield path, said
            for number, each in enumerate(value if isinstance(value, list) else ()):
                yield from self.problems(each, of_item, (*path, number))
        elif isinstance(rule, tuple):
            if value not in rule:
                yield path, self.no_choice.format(", ".join(rule))
        elif said := rule(value):
            yield path, said

    def _of_object(
        self, value: Any, rules: dict[str, Any], path: Path
    ) -> Iterator[tuple[Path, str]]:
        if not isinstance(value, dict):
            yield path, self.no_object
            return
        for marked, rule in rules.items():
            name = marked.rstrip("!")
            if name in value or (marked != name and not self.missing):
                yield from self.problems(value.get(name), rule, (*path, name))
            elif marked != name:
                yield (*path, name), self.missing
        for name in value:
            if self.unknown and name not in rules and f"{name}!" not in rules:
                yield (*path, name), self.unknown


def must(holds: Callable[[Any], object], sentence: str) -> Check:
    return lambda value: "" if holds(value) else sentence


def in_turn(*checks: Check) -> Check:
    """The first that finds something wrong speaks; those behind it are not asked."""
    return lambda value: next((said for check in checks if (said := check(value))), "")


def is_string(value: object) -> bool:
    return isinstance(value, str)


def is_array(value: object) -> bool:
    return isinstance(value, list)


def is_given(value: object) -> bool:
    return value not in (None, "")
