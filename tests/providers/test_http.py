"""How an answer is read: what is not as documented is no answer."""

from collections.abc import Callable
from typing import Any

import pytest

from providers import money
from providers.contract import Malformed, Rejected, Unreachable
from providers.http import Reply, documented, refusals, with_id

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


@pytest.mark.parametrize(
    ("reference", "found"),
    [("tr_1", {"id": "tr_2"}), ("tr_1", {}), ("tr_1", {"id": None}), (None, {}), ("", {"id": ""})],
)
def test_an_answer_about_another_payment_is_none(reference: str | None, found: Any) -> None:
    """C7."""
    with pytest.raises(Unreachable, match="about another payment"):
        with_id(reference, found)


def test_each_refusal_has_a_sentence_for_the_shopper() -> None:
    assert refusals("Acme", 404) == {
        404: (
            Rejected,
            "Acme cannot take this payment. Nothing was charged. Please pay another way.",
        )
    }


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
