"""What the fields of a call must be: one table is read alike, whatever a provider says of it."""

from typing import Any

import pytest

from sandbox.kit.fields import Words, in_turn, is_array, is_string, must

TEXT = in_turn(must(is_string, "is no text"), must(len, "is empty"))
TABLE = {
    "name!": TEXT,
    "colour": ("red", "blue"),
    "address": {"street!": TEXT},
    "tags": [TEXT, must(is_array, "is no list")],
}
WORDS = Words(missing="is missing", unknown="is unknown", no_object="is no object", no_choice="{}?")


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        pytest.param({}, [], id="as_it_should_be"),
        pytest.param({"name": 7}, [(("name",), "is no text")], id="another_type"),
        pytest.param({"name": ""}, [(("name",), "is empty")], id="the_first_that_is_wrong_speaks"),
        pytest.param({"name": None}, [(("name",), "is no text")], id="null"),
        pytest.param({"colour": "green"}, [(("colour",), "red, blue?")], id="no_such_word"),
        pytest.param({"address": 7}, [(("address",), "is no object")], id="no_object"),
        pytest.param({"address": {}}, [(("address", "street"), "is missing")], id="inside"),
        pytest.param({"tags": 7}, [(("tags",), "is no list")], id="no_list"),
        pytest.param({"tags": ["a", 7]}, [(("tags", 1), "is no text")], id="in_a_list"),
        pytest.param({"size": 1}, [(("size",), "is unknown")], id="unknown"),
        pytest.param(
            {"size": 1, "tags": 7, "name": ""},
            [(("name",), "is empty"), (("tags",), "is no list"), (("size",), "is unknown")],
            id="in_the_order_of_the_table",
        ),
    ],
)
def test_what_breaks_a_rule_is_named(
    changes: dict[str, Any], problems: list[tuple[tuple[str | int, ...], str]]
) -> None:
    assert list(WORDS.problems({"name": "Mia", **changes}, TABLE)) == problems


def test_a_field_that_is_missing_may_be_judged_by_its_own_rule() -> None:
    words = Words()

    assert list(words.problems({"size": 1}, TABLE)) == [(("name",), "is no text")]
    assert list(WORDS.problems({}, TABLE)) == [(("name",), "is missing")]


def test_no_object_at_all_has_no_fields() -> None:
    assert list(WORDS.problems([], TABLE)) == [((), "is no object")]
