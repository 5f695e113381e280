"""Rate limits: what is counted, by what, and when it may be tried again.

The limits of the real shop, in the sandbox's shop, where nothing else stands in the way. Attacks
on them are in tests/security/test_limits.py.
"""

import time

import pytest
import time_machine

from database import now
from jobs import sweeping
from ops.limits import DEFAULTS
from providers import PROVIDERS
from views.polling import Poll

from .. import mintcash
from ..books import Books
from ..conftest import MakeApp
from ..shopper import BASE_URL, Shopper

REAL = {name: usual for name, (usual, _) in DEFAULTS.items()}


def test_one_session_presses_ten_times_in_a_minute_at_most(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    """G18."""
    shopper = Shopper(make_app(**REAL))
    shopper.add("candle")

    assert [shopper.check_out().status_code for _ in range(11)] == [303] * 10 + [429]


def test_one_order_is_tried_ten_times_in_a_minute_at_most(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    """G18: from any address."""
    app = make_app(**REAL)
    books = Books(app)
    books.place_order({"candle": 1})
    path = f"/orders/{books.order.id}/payments"

    answers = [
        Shopper(app).post(
            path, {"provider": "mintcash"}, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}
        )
        for number in range(12)
    ]

    assert [each.status_code for each in answers] == [303] * 10 + [429] * 2


def test_a_minute_later_the_checkout_is_open_again(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    shopper = Shopper(make_app(checkout_limit="1/minute"))
    shopper.add("candle")
    shopper.check_out()
    assert shopper.check_out().status_code == 429

    with time_machine.travel(now().timestamp() + 61):
        assert shopper.check_out().status_code == 303


def test_who_asks_without_end_is_told_to_wait(make_app: MakeApp) -> None:
    """G18: the page that asked goes on asking, more slowly."""
    app = make_app(status_limit="20/minute")
    books = Books(app)
    books.place_order({"candle": 1})
    path = f"/orders/{books.order.id}/status"

    answers = [Shopper(app).get(path) for _ in range(21)]

    assert [each.status_code for each in answers] == [200] * 20 + [429]
    assert "Retry-After" in answers[-1].headers


def test_many_tabs_may_wait_for_their_payments() -> None:
    """G18: fifty of them at one address, each in its first and busiest minute."""
    asked, moment = 0, 0
    while moment < 60:
        moment += Poll(int(time.time()) - moment).pace
        asked += 1

    assert DEFAULTS["status_limit"][0] == "3000/minute"
    assert 50 * asked <= 3_000


def test_who_knows_number_and_address_finds_the_order_as_often_as_they_like(
    make_app: MakeApp,
) -> None:
    app = make_app()
    books = Books(app)
    books.place_order({"candle": 1})
    typed = {"number": books.order.number, "email": books.order.email}

    answers = [Shopper(app).post("/orders/find", typed).status_code for _ in range(15)]

    assert answers == [303] * 15


def test_the_sandbox_takes_a_load_run() -> None:
    """All shoppers come from one address there."""
    for usual, sandbox in DEFAULTS.values():
        assert int(sandbox.split("/")[0]) > int(usual.split("/")[0])


def test_a_counter_that_is_gone_does_not_close_the_make_app(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    """ASVS 16.5.2, 16.5.3: without Redis each process counts alone, and still counts."""
    shopper = Shopper(make_app(rate_limit_url="redis://127.0.0.1:1", attempt_limit="2/minute"))
    shopper.add("candle")

    assert [shopper.check_out().status_code for _ in range(3)] == [303, 303, 429]


def test_a_flood_at_one_provider_hides_no_refusal_of_another(make_app: MakeApp) -> None:
    """I3."""
    app = make_app()
    books = Books(app)
    client = app.test_client()

    busy, other = list(PROVIDERS)[:2]
    for name in [busy] * 70 + [other]:
        client.post(f"/webhooks/{name}", base_url=BASE_URL, data=b"{}")

    assert [line.provider for line in books.deliveries].count(other) == 1


def test_old_refusals_are_forgotten(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """I3: whatever the rate, the table does not grow for ever."""
    monkeypatch.setattr(sweeping, "KEPT_REFUSALS", 5)
    books = Books(make_app())

    for _ in range(9):
        books.app.test_client().post("/webhooks/mintcash", base_url=BASE_URL)
    books.sweep()

    assert len(books.deliveries) == 5
