"""How often is too often: checkout, attempts, status, the console's password; and never a webhook.

The limits of the real shop, in the sandbox's shop, where nothing else stands in the way.
"""

import base64
import logging
from collections.abc import Callable

import pytest

from ops.limits import DEFAULTS
from tests import mintcash
from tests.books import Books
from tests.conftest import MakeApp
from tests.live import LIVE
from tests.mintcash import event
from tests.shopper import ANN, BASE_URL, Shopper

REAL = {name: usual for name, (usual, _) in DEFAULTS.items()}


def test_a_list_of_cards_cannot_be_tried_through_the_checkout(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    """G18, ASVS 2.4.1: from one address, with a new session each time; others are not kept out."""
    app = make_app(**REAL)

    answers = []
    for _ in range(35):
        shopper = Shopper(app)
        shopper.add("candle")
        answers.append(shopper.check_out())

    assert [each.status_code for each in answers] == [303] * 30 + [429] * 5
    assert len(mintcash_api.payments) == 30, "a refused checkout costs no call"
    assert "Slowly, please" in answers[-1].text
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    elsewhere = Shopper(app)
    elsewhere.add("candle")
    form = {"shown": elsewhere.shown(), **ANN}
    answer = elsewhere.post("/checkout", form, environ_base={"REMOTE_ADDR": "192.0.2.9"})
    assert answer.status_code == 303


def test_a_forged_address_is_no_other_address(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    """A20: a new X-Forwarded-For each time does not restart the count."""
    app = make_app(checkout_limit="2/minute")
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
    make_app: MakeApp, mintcash_api: mintcash.Api, headers_of: Callable[[int], dict[str, str]]
) -> None:
    """P6, S07: getgrav/grav-plugin-login#204, zulip/zulip#21544, traefik#11508, rack#1227.

    At the checkout, at payments, in guesses of an order's number and address, and at its status.
    """
    app = make_app(trusted_proxies=1, checkout_limit="3/minute", status_limit="3/minute")
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


def test_the_next_household_is_another_client(
    make_app: MakeApp, mintcash_api: mintcash.Api
) -> None:
    """P6: a /64 each; and IPv4 addresses are not grouped."""
    app = make_app(trusted_proxies=1, checkout_limit="1/minute")
    codes = []
    for address in ("2001:db8:1:2::1", "2001:db8:1:3::1", "198.51.100.8", "198.51.100.9"):
        shopper = Shopper(app)
        shopper.add("candle")
        headers = {"X-Forwarded-For": address}
        form = {"shown": shopper.shown(), **ANN}
        codes.append(shopper.post("/checkout", form, headers=headers).status_code)

    assert codes == [303] * 4


def test_an_uncounted_proxy_is_warned_about_once(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """S25: with one, all shoppers share one limit; flask-limiter#428, mwdb-core#844."""
    app = make_app(checkout_limit="6/minute")
    codes = []
    for number in range(14):
        shopper = Shopper(app)
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        codes.append(shopper.post("/checkout", dict(ANN), headers=headers).status_code)

    assert codes == [303] * 6 + [429] * 8
    lines = [each.getMessage() for each in caplog.records if "TRUSTED_PROXIES" in each.getMessage()]
    assert len(lines) == 1


@pytest.mark.parametrize("path", ["/orders/{}/payments", "/cards/{}/verify"])
def test_a_counter_keeps_no_text_of_a_strangers_choice(make_app: MakeApp, path: str) -> None:
    """S07: what is counted by an id is counted by as many characters as an id has."""
    app = make_app()
    (limiter,) = app.extensions["limiter"]

    Shopper(app).post(path.format("x" * 3_000))

    assert all(len(key) < 200 for key in limiter.storage.storage)


def test_webhooks_are_never_limited_before_their_proof_is_checked(
    make_app: MakeApp, mintcash_api: mintcash.Api, caplog: pytest.LogCaptureFixture
) -> None:
    """G18, I3: a flood of forgeries keeps no true delivery out, and fills neither log nor disk."""
    app = make_app(**{name: "1/hour" for name in REAL})
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


def test_the_consoles_password_cannot_be_guessed(make_app: MakeApp) -> None:
    """ASVS 2.4.1, S07: ten wrong ones a minute from one household; the right one never counts.

    Console and till have one password, and one count.
    """
    app = make_app(
        payment_environment="test",
        secret_key=LIVE["secret_key"],
        console_password="correct horse battery",
    )
    client = app.test_client()

    def sign_in(password: str, address: str = "2001:db8:0:2::1", path: str = "/console") -> int:
        text = base64.b64encode(f"console:{password}".encode()).decode()
        return client.get(
            path,
            base_url=BASE_URL,
            headers={"Authorization": f"Basic {text}"},
            environ_base={"REMOTE_ADDR": address},
        ).status_code

    assert {sign_in("correct horse battery") for _ in range(20)} == {200}
    guesses = [
        sign_in(f"guess {number}", f"2001:db8:0:2::{number}", path)
        for number in range(6)
        for path in ("/console", "/console/till")
    ]
    assert guesses == [401] * 10 + [429] * 2
    assert sign_in("correct horse battery") == 429
    assert sign_in("correct horse battery", "192.0.2.2") == 200


def test_pairs_of_number_and_address_cannot_be_tried_without_end(make_app: MakeApp) -> None:
    """G3: an order is found by its number and its address, and not by guessing."""
    app = make_app()
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
