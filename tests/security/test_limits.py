"""How often is too often: checkout, attempts, status, the console's password; and never a webhook.

The limits of the real shop, in the sandbox's shop, where nothing else stands in the way.
"""

import base64
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import time_machine
from flask import Flask

import config
from app import create_app
from database import now
from jobs import sweeping
from ops.limits import DEFAULTS
from providers import PROVIDERS
from tests import mintcash
from tests.books import Books
from tests.conftest import close
from tests.mintcash import event
from tests.shopper import ANN, BASE_URL, Shopper
from tests.test_config import LIVE
from views import order_status

Shop = Callable[..., Flask]
REAL = {name: usual for name, (usual, _) in DEFAULTS.items()}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """The sandbox's shop with other settings."""
    made = []

    def make(**settings: object) -> Flask:
        made.append(
            create_app(
                config.load(
                    database_url=database_url, jobs_url=f"sqlite:///{tmp_path}/jobs.db", **settings
                )
            )
        )
        return made[-1]

    yield make
    for each in made:
        close(each)


def test_a_list_of_cards_cannot_be_tried_through_the_checkout(
    shop: Shop, mintcash_api: mintcash.Api
) -> None:
    """G18, ASVS 2.4.1: from one address, with a new session each time; others are not kept out."""
    app = shop(**REAL)

    answers = []
    for _ in range(35):
        shopper = Shopper(app)
        shopper.add("candle")
        answers.append(shopper.check_out())

    assert [each.status_code for each in answers] == [303] * 30 + [429] * 5
    assert len(mintcash_api.payments) == 30, "whoever is refused costs no call"
    assert "Slowly, please" in answers[-1].text
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    elsewhere = Shopper(app)
    elsewhere.add("candle")
    form = {"shown": elsewhere.shown(), **ANN}
    answer = elsewhere.post("/checkout", form, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert answer.status_code == 303


def test_a_minute_later_the_checkout_is_open_again(shop: Shop, mintcash_api: mintcash.Api) -> None:
    shopper = Shopper(shop(checkout_limit="1/minute"))
    shopper.add("candle")
    shopper.check_out()
    assert shopper.check_out().status_code == 429

    with time_machine.travel(now().timestamp() + 61):
        assert shopper.check_out().status_code == 303


def test_one_session_presses_ten_times_in_a_minute_at_most(
    shop: Shop, mintcash_api: mintcash.Api
) -> None:
    """G18."""
    shopper = Shopper(shop(**REAL))
    shopper.add("candle")

    assert [shopper.check_out().status_code for _ in range(11)] == [303] * 10 + [429]


def test_one_order_is_tried_ten_times_in_a_minute_at_most(
    shop: Shop, mintcash_api: mintcash.Api
) -> None:
    """G18: by whomever, from wherever."""
    app = shop(**REAL)
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


def test_who_asks_without_end_is_told_to_wait(shop: Shop) -> None:
    """G18: the page that asked goes on asking, more slowly."""
    app = shop(status_limit="20/minute")
    books = Books(app)
    books.place_order({"candle": 1})
    path = f"/orders/{books.order.id}/status"

    answers = [Shopper(app).get(path) for _ in range(21)]

    assert [each.status_code for each in answers] == [200] * 20 + [429]
    assert "Retry-After" in answers[-1].headers


def test_many_tabs_may_wait_for_their_payments() -> None:
    """G18: fifty of them at one address, each in its first and busiest minute."""
    delays = (*order_status.POLL_DELAYS, order_status.POLL_DELAYS[-1])
    asked = sum(1 for moment in itertools.accumulate(delays) if moment < 60)
    asked_when_all_fail = 1 + 60 // order_status.SOONEST_RETRY

    assert DEFAULTS["status_limit"][0] == "1200/minute"
    assert 50 * max(asked, asked_when_all_fail) <= 1_200


def test_a_forged_address_is_no_other_address(shop: Shop, mintcash_api: mintcash.Api) -> None:
    """A20: a new X-Forwarded-For each time does not restart the count."""
    app = shop(checkout_limit="2/minute")
    codes = []
    for number in range(4):
        shopper = Shopper(app)
        shopper.add("candle")
        form = {"shown": shopper.shown(), **ANN}
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        codes.append(shopper.post("/checkout", form, headers=headers).status_code)

    assert codes == [303, 303, 429, 429]


HOUSEHOLD = [
    pytest.param(lambda n: {"X-Forwarded-For": f"2001:db8:1:2::{n:x}"}, id="ipv6"),
    pytest.param(lambda n: {"X-Forwarded-For": f"[2001:DB8:1:2::{n:x}]:{4000 + n}"}, id="brackets"),
    pytest.param(lambda n: {"X-Forwarded-For": f"198.51.100.9:{40_000 + n}"}, id="port"),
    pytest.param(
        lambda n: {"X-Forwarded-For": ("198.51.100.9", "::ffff:198.51.100.9")[n % 2]}, id="mapped"
    ),
    pytest.param(lambda n: {"X-Forwarded-For": f"fe80::1%eth{n}"}, id="scope"),
    pytest.param(lambda n: {"X-Forwarded-For": f"garbage-{n}"}, id="garbage"),
    pytest.param(lambda n: {"X-Forwarded-For": f'"{n}, 198.51.100.9'}, id="quote"),
    pytest.param(lambda n: {"Forwarded": f'for="[2001:db8:1:2::{n:x}]:4711"'}, id="forwarded"),
    pytest.param(lambda n: {"Forwarded": f"for=_hidden{n}"}, id="forwarded-hidden"),
    pytest.param(
        lambda n: {"Forwarded": "for=198.51.100.9", "X-Forwarded-For": f"192.0.2.{n}"},
        id="the-other-header-forged",
    ),
]


@pytest.mark.parametrize("headers_of", HOUSEHOLD)
def test_one_household_is_one_client_to_every_limit(
    shop: Shop, mintcash_api: mintcash.Api, headers_of: Callable[[int], dict[str, str]]
) -> None:
    """P6, S07: getgrav/grav-plugin-login#204, zulip/zulip#21544, traefik#11508, rack#1227.

    At the checkout, at payments, in guesses of an order's number and address, and at its status.
    """
    app = shop(trusted_proxies=1, checkout_limit="3/minute", status_limit="3/minute")
    books = Books(app)
    books.place_order({"candle": 1})
    order = f"/orders/{books.order.id}"
    guess = {"number": books.order.number, "email": "guess@example.com"}

    def answers(count: int, path: str, form: dict[str, str] | None = None) -> list[int]:
        codes = []
        for number in range(1, count + 1):
            shopper = Shopper(app)
            shopper.add("candle")
            headers = headers_of(number)
            answer = (
                shopper.get(path, headers=headers)
                if form is None
                else shopper.post(path, {"shown": shopper.shown(), **form}, headers=headers)
            )
            codes.append(answer.status_code)
        return codes

    assert answers(5, "/checkout", dict(ANN)) == [303] * 3 + [429] * 2
    assert answers(1, f"{order}/payments", {"provider": "mintcash"}) == [429]
    assert answers(12, "/orders/find", guess) == [404] * 10 + [429] * 2
    assert answers(4, f"{order}/status") == [200] * 3 + [429]


def test_the_next_household_is_another_client(shop: Shop, mintcash_api: mintcash.Api) -> None:
    """P6: a /64 each; and IPv4 addresses are not grouped."""
    app = shop(trusted_proxies=1, checkout_limit="1/minute")
    codes = []
    for address in ("2001:db8:1:2::1", "2001:db8:1:3::1", "198.51.100.8", "198.51.100.9"):
        shopper = Shopper(app)
        shopper.add("candle")
        headers = {"X-Forwarded-For": address}
        form = {"shown": shopper.shown(), **ANN}
        codes.append(shopper.post("/checkout", form, headers=headers).status_code)

    assert codes == [303] * 4


def test_an_uncounted_proxy_is_warned_about_once(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """S25: with one, all shoppers share one limit; flask-limiter#428, mwdb-core#844."""
    app = shop(checkout_limit="6/minute")
    codes = []
    for number in range(14):
        shopper = Shopper(app)
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        codes.append(shopper.post("/checkout", dict(ANN), headers=headers).status_code)

    assert codes == [303] * 6 + [429] * 8
    lines = [each.getMessage() for each in caplog.records if "TRUSTED_PROXIES" in each.getMessage()]
    assert len(lines) == 1


@pytest.mark.parametrize("path", ["/orders/{}/payments", "/cards/{}/verify"])
def test_a_counter_keeps_no_text_of_a_strangers_choice(shop: Shop, path: str) -> None:
    """S07: what is counted by an id is counted by as many characters as an id has."""
    app = shop()
    (limiter,) = app.extensions["limiter"]

    Shopper(app).post(path.format("x" * 3_000))

    assert all(len(key) < 200 for key in limiter.storage.storage)


def test_webhooks_are_never_limited_before_their_proof_is_checked(
    shop: Shop, mintcash_api: mintcash.Api, caplog: pytest.LogCaptureFixture
) -> None:
    """G18, I3: a flood of forgeries keeps no true delivery out, and fills neither log nor disk."""
    app = shop(**{name: "1/hour" for name in REAL})
    books = Books(app)
    shopper = Shopper(app)
    shopper.add("candle")
    shopper.check_out()
    before = books.snapshot()

    codes = {shopper.deliver(b"{}", {"x-signature": "forged"}).status_code for _ in range(300)}

    assert codes == {401}
    assert books.snapshot() == before
    assert len(books.deliveries) == 60
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 61
    assert "no more refusals are written down" in caplog.text
    assert shopper.deliver(*event(mintcash_api.newest, "succeeded")).status_code == 200
    assert books.order.status == "paid"


def test_a_flood_at_one_provider_hides_no_refusal_of_another(shop: Shop) -> None:
    """I3."""
    app = shop()
    books = Books(app)
    client = app.test_client()

    busy, other = list(PROVIDERS)[:2]
    for name in [busy] * 70 + [other]:
        client.post(f"/webhooks/{name}", base_url=BASE_URL, data=b"{}")

    assert [line.provider for line in books.deliveries].count(other) == 1


def test_old_refusals_are_forgotten(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """I3: whatever the rate, the table does not grow for ever."""
    monkeypatch.setattr(sweeping, "KEPT_REFUSALS", 5)
    books = Books(shop())

    for _ in range(9):
        books.app.test_client().post("/webhooks/mintcash", base_url=BASE_URL)
    books.sweep()

    assert len(books.deliveries) == 5


def test_the_consoles_password_cannot_be_guessed(shop: Shop) -> None:
    """ASVS 2.4.1, S07: ten wrong ones a minute from one household; the right one never counts."""
    app = shop(
        payment_environment="test",
        secret_key=LIVE["secret_key"],
        console_password="correct horse battery",
    )
    client = app.test_client()

    def sign_in(password: str, address: str = "2001:db8:0:2::1") -> int:
        text = base64.b64encode(f"console:{password}".encode()).decode()
        return client.get(
            "/console",
            base_url=BASE_URL,
            headers={"Authorization": f"Basic {text}"},
            environ_base={"REMOTE_ADDR": address},
        ).status_code

    assert {sign_in("correct horse battery") for _ in range(20)} == {200}
    guesses = [sign_in(f"guess {number}", f"2001:db8:0:2::{number}") for number in range(12)]
    assert guesses == [401] * 10 + [429] * 2
    assert sign_in("correct horse battery") == 429
    assert sign_in("correct horse battery", "192.0.2.2") == 200


def test_a_counter_that_is_gone_does_not_close_the_shop(
    shop: Shop, mintcash_api: mintcash.Api
) -> None:
    """ASVS 16.5.2, 16.5.3: without Redis each process counts alone, and still counts."""
    shopper = Shopper(shop(rate_limit_url="redis://127.0.0.1:1", attempt_limit="2/minute"))
    shopper.add("candle")

    assert [shopper.check_out().status_code for _ in range(3)] == [303, 303, 429]


def test_the_sandbox_takes_a_load_run() -> None:
    """Everybody is at one address there."""
    for usual, sandbox in DEFAULTS.values():
        assert int(sandbox.split("/")[0]) > int(usual.split("/")[0])


def test_pairs_of_number_and_address_cannot_be_tried_without_end(shop: Shop) -> None:
    """G3: an order is found by its number and its address, and by nobody who guesses."""
    app = shop()
    books = Books(app)
    books.place_order({"candle": 1})
    shopper, number = Shopper(app), books.order.number

    wrong = [
        shopper.post("/orders/find", {"number": number, "email": f"ann{guess}@example.com"})
        for guess in range(12)
    ]

    assert [each.status_code for each in wrong] == [404] * 10 + [429] * 2
    true = {"number": number, "email": books.order.email}
    assert shopper.post("/orders/find", true).status_code == 429, "nor is the eleventh looked up"
    elsewhere = shopper.post("/orders/find", true, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert elsewhere.status_code == 303


def test_who_knows_number_and_address_finds_the_order_as_often_as_they_like(shop: Shop) -> None:
    app = shop()
    books = Books(app)
    books.place_order({"candle": 1})
    typed = {"number": books.order.number, "email": books.order.email}

    answers = [Shopper(app).post("/orders/find", typed).status_code for _ in range(15)]

    assert answers == [303] * 15
