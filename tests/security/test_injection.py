"""What one person writes and another one reads: pages, letters, headers, logs.

Shoppers fill in forms, providers fill in their news; both may be hostile, and neither is trusted.
"""

import json
import logging
import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
import responses
from sqlalchemy import update
from werkzeug.test import TestResponse

import payments
from database import db, transaction
from models import Mail, Payment
from ops.static_files import static_version
from tests import mintcash
from tests.books import Books
from tests.mintcash import event
from tests.providers.contract import URLS
from tests.providers.contract import answer as api_answer
from tests.shopper import ANN, Shopper

from .attacked_shop import AttackedShop
from .routes import ROWS
from .senders import Sender, any_sender, each_provider, each_sender
from .shop_with_a_purchase import ShopWithAPurchase, build, elements

#: Each breaks out of another place: text, attribute, script, comment, title, template, address.
SCRIPTS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></textarea></noscript><svg onload=alert(1)>",
    "--><body onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "javascript:alert(1)",
    "\u202e<b>txet</b>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<scr\u0131pt/src=//evil.example>",
)


def assert_harmless(text: str, where: str) -> None:
    """Nothing that was typed became an element, a handler or an address."""
    for name, attributes, inner in elements(text):
        assert name not in ("img", "svg", "b", "body") or "onerror" not in attributes, where
        assert not [each for each in attributes if each.startswith("on")], where
        assert name != "b", where
        if name == "script":
            assert attributes["src"].startswith(f"/static/{static_version()}/"), where
            assert not inner.strip(), where
        for address in ("href", "src", "action"):
            value = attributes.get(address, "").strip().lower()
            assert not value.startswith(("javascript:", "data:text", "//")), where
            assert "evil.example" not in value, where
    assert "49" not in re.findall(r">(\d+)\$", text), "a template was filled in twice"


def assert_all_pages_are_harmless(purchase: ShopWithAPurchase) -> None:
    seen = 0
    for row in ROWS:
        if "GET" in row.methods and row.status == 200 and "static" not in row.rule:
            answer = purchase.shopper.get(purchase.path(row.path), buffered=True)
            assert answer.status_code == 200, row.rule
            if answer.mimetype == "text/html":
                assert_harmless(answer.text, row.rule)
                seen += 1
    assert seen >= 10


def rotated(by: int) -> list[str]:
    """Every text comes to stand in another field each time."""
    return [*SCRIPTS[by:], *SCRIPTS[:by]]


@pytest.mark.parametrize("turn", [0, 4, 7])
def test_what_a_shopper_types_is_shown_and_never_run(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, turn: int
) -> None:
    """G13: name and address, on every page of shop and console, and in the letter."""
    lengths = {"name": 120, "line1": 120, "line2": 120, "city": 80, "postal_code": 20}
    scripts = zip(lengths.items(), rotated(turn), strict=False)
    typed = {name: script[:length] for (name, length), script in scripts}
    shopper.add("candle")
    refused = shopper.check_out(**typed, email='"<script>alert(1)</script>"@example.com')
    assert refused.status_code == 422
    assert_harmless(refused.text, "the form with what was typed")

    purchase = build(shopper, mintcash_api, books, **typed)

    assert_all_pages_are_harmless(purchase)
    assert books.order.name == typed["name"], "kept as it was typed, and escaped where it is shown"


@pytest.mark.parametrize("turn", [0, 4, 7])
def test_what_a_provider_writes_is_shown_and_never_run(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, turn: int
) -> None:
    """G13: in the texts of true deliveries, also of those about an unknown payment."""
    purchase = build(shopper, mintcash_api, books)
    payment = mintcash_api.newest
    scripts = rotated(turn)
    words = dict(
        zip(("failureCode", "failureMessage", "providerTransactionId"), scripts, strict=False)
    )

    for number, status in enumerate(("failed", "pending", "succeeded")):
        shopper.deliver(*event(payment, status, event_id=f"e{number}", **words))
    payment["status"] = "succeeded"
    with books.open():  # the failure contradicts the money, so the provider is asked
        payments.check_payment(payment["externalId"])
    for script in scripts:
        stranger = {**payment, "id": "pmt_stranger", "externalId": script}
        shopper.deliver(*event(stranger, "succeeded"))
        body = event(payment, "succeeded").body
        named = body.replace(b'"payment.succeeded"', json.dumps(script).encode())
        shopper.deliver(*mintcash.signed(named))

    assert_all_pages_are_harmless(purchase)


def test_an_error_of_a_provider_is_not_repeated_to_the_shopper(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """G13, ASVS 16.5.1: its words stand in the log, on one line; the page has our own."""
    words = {"code": "invalid", "message": "<script>x</script>\r\nINFO root: paid", "details": {}}
    mintcash_api.mock.replace(responses.POST, f"{mintcash.API}/payments", json=words, status=400)
    shopper.add("candle")

    answer = shopper.check_out()

    assert answer.status_code == 502
    assert "script>x" not in answer.text
    assert "INFO root" not in answer.text


# ------------------------------------------------------------------ headers and letters

LINES = [
    "a\r\nBcc: x@evil.example",
    "a\nSet-Cookie: x=1",
    "a\rb",
    "a\u2028b",
    "a\x0bb",
    "a\x85b",
    "a\0b",
]


@pytest.mark.parametrize("field", ["name", "email", "line1", "city", "postal_code"])
def test_no_line_break_gets_into_a_letter(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books, field: str
) -> None:
    """G14: refused at the form, or one line in the letter's head."""
    taken = 0
    for line in LINES:
        value = f"{line}@example.com" if field == "email" else line[:20]
        shopper.add("candle")
        if shopper.check_out(**{field: value}).status_code == 303:
            taken += 1
            shopper.deliver(*event(mintcash_api.newest, "succeeded"))
            books.work()

    assert len(mintcash_api.calls) == taken
    with books.open():
        letters = db.session.query(Mail).all()
        assert len(letters) == taken
        for letter in letters:
            head = EmailMessage()
            head["To"], head["Subject"] = letter.to, letter.subject
            assert "evil.example" not in head.as_string().partition("\n\n")[0]


TARGETS = [
    "/cart\r\nSet-Cookie: x=1",
    "/cart%0d%0aSet-Cookie:%20x=1",
    "/\r\n\r\n<script>",
    "/\t/evil.example",
    "/\\evil.example",
    "//evil.example",
    "/%2f/evil.example",
    "https:evil.example",
    "/@evil.example",
    "\thttps://evil.example",
    "\x00//evil.example",
    "/..//evil.example",
    "http:///evil.example",
    "////evil.example",
]


def test_the_way_back_after_a_new_currency_stays_here(shopper: Shopper) -> None:
    """Open redirect, ASVS 3.7.2: as a browser reads it, tabs and backslashes included."""
    for target in TARGETS:
        answer = shopper.post("/currency", {"currency": "EUR", "next": target})

        assert answer.status_code in (303, 400), repr(target)
        location = answer.headers.get("Location", "/")
        as_read = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
        assert as_read.startswith("/"), repr(target)
        assert not as_read.startswith("//"), repr(target)
        assert len(answer.headers.getlist("Set-Cookie")) <= 1, repr(target)


#: What a provider's reply may name as its page; ``{page}`` is the true one.
EVIL_PAGES = (
    *("https://evil.example/pay", "//evil.example", "javascript:alert(1)", "data:text/html,x", ""),
    *("{origin}.evil.example/pay", "{origin}@evil.example/pay", "{origin}:x@evil.example"),
    *("{origin}\\@evil.example", "{origin}\\.evil.example", "{origin}%2eevil.example/"),
    *(" {origin}/pay", "\t{origin}/pay", "{origin}/pay\r\nSet-Cookie: x=1", "{origin}/\0"),
    *("{origin}\n.evil.example", "file:///etc/passwd", "about:blank", "/orders/1", "http:pay"),
    *("{origin}:1/pay", "ftp://evil.example", "{origin}/pay space"),
)


def press_pay(attacked: AttackedShop, reply: responses.BaseResponse) -> TestResponse:
    """A new order's shopper presses "Pay", and the provider answers with ``reply``."""
    order_id = attacked.place(attacked.sender.case.fresh_reference())
    with attacked.books.open(), transaction() as session:
        # Each answer names the same payment, which then belongs to no order any more.
        session.execute(update(Payment).values(provider_reference=None, page_url=None))
    with responses.RequestsMock() as mock:
        mock.add(reply)
        return Shopper(attacked.app).post(
            f"/orders/{order_id}/payments", {"provider": attacked.sender.provider}
        )


@each_provider
def test_a_page_that_is_not_the_providers_is_not_gone_to(
    attacked: AttackedShop, sender: Sender
) -> None:
    """G6, ASVS 3.7.2: the host is matched whole; the payment fails cleanly, and nothing is sent."""
    with responses.RequestsMock() as mock:
        api_answer(mock, sender.case.created)
        checkout = sender.case.provider.start_checkout(
            sender.case.account, sender.case.payment, URLS
        )
        (reply,) = mock.registered()
    true, body = checkout.next_action.url, str(reply.body)
    assert press_pay(attacked, reply).location == true, "the control"

    for page in EVIL_PAGES:
        evil = page.format(origin="/".join(true.split("/")[:3]))
        spoiled = body.replace(json.dumps(true)[1:-1], json.dumps(evil)[1:-1])
        answer = press_pay(
            attacked, responses.Response(reply.method, reply.url, spoiled, status=reply.status)
        )

        assert answer.status_code == 502, repr(page)
        assert "Location" not in answer.headers, repr(page)
        assert "evil" not in answer.text, repr(page)


@any_sender
def test_an_answer_that_names_another_orders_payment_is_not_believed(
    attacked: AttackedShop, sender: Sender
) -> None:
    """B7: the shopper is told to try again; the order that has the payment keeps it."""
    other = attacked.place(sender.case.fresh_reference())
    with responses.RequestsMock() as mock:
        api_answer(mock, sender.case.created)
        with attacked.books.open(), transaction() as session:
            mine = update(Payment).where(Payment.order_id == other)
            session.execute(mine.values(provider_reference=None, page_url=None))
        answer = Shopper(attacked.app).post(
            f"/orders/{other}/payments", {"provider": sender.provider}
        )

    assert answer.status_code == 502
    assert attacked.deliver(sender.paid()).status_code == 200
    assert (attacked.status(attacked.order_id), attacked.status(other)) == ("paid", "open")


# ------------------------------------------------------------------ logs

CANARIES = {
    "x-api-key": "canary-key",
    "authorization": "Bearer canary-bearer",
    "cookie": "shop=canary-cookie",
    "app-secret": "canary-app-secret",
    "x-wapi-key": "canary-wapi",
    "proxy-authorization": "Basic canary-proxy",
    "hmac": "canary-hmac",
}


@each_sender
def test_no_secret_of_a_true_delivery_is_kept_or_logged(
    attacked: AttackedShop, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """I1, I2, H5: neither the proof nor what else travels in headers; the console shows none."""
    caplog.set_level(logging.DEBUG)
    headers, body = sender.paid()
    proof = sender.proof.read((headers, body))

    assert attacked.deliver(({**headers, **CANARIES}, body)).status_code == 200

    shopper = Shopper(attacked.app)
    shown = caplog.text + "".join(
        shopper.get(path).text
        for path in ("/console/webhooks", f"/console/orders/{attacked.order_id}")
    )
    with attacked.books.open():
        rows = "".join(
            str(row)
            for table in db.metadata.sorted_tables
            for row in db.session.execute(db.select(table))
        )
    for text in (shown, rows):
        assert "canary" not in text
        assert proof not in text
        assert not any(secret in text for secret in sender.case.secrets)


@any_sender
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda shop: shop.get("/a%0d%0aERROR%20root:%20paid"), id="path"),
        pytest.param(lambda shop: shop.get("/orders/%0aERROR%20root"), id="order"),
        pytest.param(lambda shop: shop.get("/?a=%0aERROR"), id="query"),
        pytest.param(
            lambda shop: shop.get("/nothing", headers={"User-Agent": "x\u2028ERROR root"}),
            id="agent",
        ),
        pytest.param(
            lambda shop: shop.deliver(
                *mintcash.signed(b'{"data":{},"environment":"live\\nERROR root: paid"}')
            ),
            id="environment",
        ),
        pytest.param(
            lambda shop: shop.deliver(*mintcash.signed(b'{"a\\nERROR":1,"a\\nERROR":1}')), id="key"
        ),
    ],
)
def test_no_text_from_outside_begins_a_line_of_the_log(
    app: object,
    shopper: Shopper,
    sender: Sender,
    act: Callable[[Shopper], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """I4, G14: one line for each event, whatever a header, a path or a field says."""
    caplog.set_level(logging.DEBUG)

    act(shopper)

    for record in caplog.records:
        if not record.exc_info:
            assert len(record.getMessage().splitlines()) <= 1, record.name


def test_a_shoppers_data_are_not_in_the_log(
    purchase: ShopWithAPurchase, caplog: pytest.LogCaptureFixture
) -> None:
    """ASVS 16.2.5: neither name nor address, on the way or in an error."""
    caplog.set_level(logging.DEBUG)

    purchase.shopper.check_out(name="Canary Example", line1="Canary Street 1", city="")
    purchase.shopper.check_out(name="Canary Example", email="canary@example.com")

    ours = "".join(r.getMessage() for r in caplog.records if not r.name.startswith("sqlalchemy"))
    assert "canary" not in ours.lower()
    assert ANN["email"] not in ours
