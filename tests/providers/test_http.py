"""How an answer is read: what is not as documented is no answer."""

from collections.abc import Callable
from typing import Any

import pytest

from providers import money
from providers.contract import Malformed, Rejected, Unreachable
from providers.http import Reply, documented

EMPTY: Any = {}


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda: EMPTY["id"], id="missing"),
        pytest.param(lambda: [][0], id="empty"),
        pytest.param(lambda: EMPTY.get("a")["b"], id="null"),
        pytest.param(lambda: EMPTY.get("a").get("b"), id="null_object"),
        pytest.param(lambda: int("x"), id="not_a_number"),
        pytest.param(lambda: money.read("much", "EUR"), id="no_money"),
    ],
)
def test_what_cannot_be_read_is_no_answer(read: Callable[[], object]) -> None:
    """Whether the call did its work is unknown then, so it is retried."""
    with pytest.raises(Unreachable, match=r"^GET /x: not as documented"), documented("GET /x"):
        read()


def test_a_delivery_that_cannot_be_read_is_malformed() -> None:
    """A15."""
    with pytest.raises(Malformed, match=r"^event: not as"), documented("event", Malformed):
        EMPTY["id"]


def test_what_a_provider_refuses_stays_refused() -> None:
    with pytest.raises(Rejected), documented("GET /x"):
        raise Rejected("no")


@pytest.mark.parametrize(
    ("data", "said"), [({"detail": "no"}, "no"), ({}, None), ([], None), (None, None), ("x", None)]
)
def test_a_field_of_an_answer_that_may_be_anything(data: Any, said: object) -> None:
    assert Reply(400, data).said("detail") == said
