"""A webhook that proves nothing, sent by a stranger: it costs no call, and changes nothing.

For each provider whose case has a ``ping``; in place of the forged proofs of the others.
"""

import pytest

from providers import EXAMPLES
from tests.conftest import OpenShop
from tests.providers import cases
from tests.providers.case import Case
from tests.sandboxed import ShopAndSandbox
from tests.shopper import BASE_URL

each_that_pings = pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in cases().items() if case.ping]
)


@pytest.fixture
def shop(open_shop: OpenShop) -> ShopAndSandbox:
    """With every example on."""
    return open_shop(providers_extra=EXAMPLES)


def send(shop: ShopAndSandbox, case: Case, body: bytes, **headers: str) -> int:
    answer = shop.app.test_client().post(
        f"/webhooks/{case.name}", base_url=BASE_URL, data=body, headers=headers
    )
    return answer.status_code


def ping(shop: ShopAndSandbox, case: Case, reference: str) -> int:
    assert case.ping
    headers, body = case.ping(reference)
    return send(shop, case, body, **headers)


@each_that_pings
def test_unknown_ids_cost_no_call_and_are_answered_like_known_ones(
    shop: ShopAndSandbox, case: Case
) -> None:
    """A1, N7: a stranger learns not even which ids there are."""
    shop.check_out(case.name)
    known = shop.books.payment.provider_reference or ""
    made = len(shop.calls)
    before = shop.books.snapshot()

    answers = {ping(shop, case, case.fresh_reference()) for _ in range(20)}

    assert answers == {200}
    assert len(shop.calls) == made
    shop.books.sweep()
    assert len(shop.calls) == made
    changed = {name for name, rows in shop.books.snapshot().items() if rows != before[name]}
    assert changed == {"early_pings"}
    assert ping(shop, case, known) == 200


@each_that_pings
def test_a_known_id_sent_by_a_stranger_only_has_the_provider_asked(
    shop: ShopAndSandbox, case: Case
) -> None:
    """A1: it is not paid, however a ping is sent."""
    shop.check_out(case.name)
    made = len(shop.calls)

    for _ in range(5):
        assert ping(shop, case, shop.books.payment.provider_reference or "") == 200
    assert len(shop.calls) == made, "the request itself makes no call"
    shop.books.sweep()

    assert len(shop.calls) == made + 1
    assert (shop.books.order.status, shop.state) == ("open", "waiting")


@each_that_pings
@pytest.mark.parametrize("place", range(0, 24, 3))
def test_a_spoiled_ping_changes_no_payment(shop: ShopAndSandbox, case: Case, place: int) -> None:
    """A2, A15: each byte replaced by one that no id has."""
    shop.check_out(case.name)
    assert case.ping
    headers, body = case.ping(shop.books.payment.provider_reference or "")
    before = shop.books.snapshot()
    del before["early_pings"]

    spoiled = body[:place] + b"\x00" + body[place + 1 :]

    assert send(shop, case, spoiled, **headers) in (200, 400)
    after = shop.books.snapshot()
    del after["early_pings"]
    assert after == before
