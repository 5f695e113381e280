"""Is it about this order, this money? Genuine proofs put to another use, other people's orders.

Whom news is about comes from what is proven, through our own table; whom a page is about, from 128
random bits.
"""

import hashlib
import json
from collections.abc import Callable

import pytest
from sqlalchemy.exc import IntegrityError

from database import db
from models import Order, Payment, random_id
from tests import mintcash
from tests.books import Books
from tests.mintcash import event
from tests.shopper import Shopper

from .stage import Stage
from .ways import WAYS, Way, each_provider, each_way

wipay_only = pytest.mark.parametrize("way", [way for way in WAYS if way.name == "wipay"])

# ------------------------------------------------------------------ a true delivery, reused


@each_way
def test_a_true_delivery_pays_its_own_order_wherever_it_is_sent(stage: Stage, way: Way) -> None:
    """B3: order B is named in query, headers and cookies; the delivery is about order A."""
    victim = stage.place(way.fresh_reference())
    with stage.books.open():
        reference = db.session.get_one(Order, victim).payments[0].id
    headers, body = way.paid()
    named = {
        "order": victim,
        "reference": reference,
        "reference_number": reference,
        "id": reference,
    }
    sent = ({**headers, "x-order-id": victim, "cookie": f"order={victim}"}, body)

    answer = stage.deliver(sent, query_string=named)

    assert answer.status_code == 200
    assert (stage.status(stage.order_id), stage.status(victim)) == ("paid", "open")


@each_way
def test_a_true_delivery_pays_once_however_often_it_is_replayed(stage: Stage, way: Way) -> None:
    """H1, C1: also in the name of another delivery, where the name is not signed."""
    other = stage.place(way.fresh_reference())
    assert stage.deliver(way.paid()).status_code == 200

    with stage.nothing_changes():
        for number in range(3):
            headers, body = way.paid()
            if "x-request-network-delivery" in headers:
                headers["x-request-network-delivery"] = f"{number}AAAAAAAAAAAAAAAAAAAAAAAAA"
            assert stage.deliver((headers, body)).status_code == 200

    assert stage.status(other) == "open"


@each_way
def test_a_delivery_about_nobodys_payment_pays_nothing(target: Stage, way: Way) -> None:
    """B8: a payment of another shop at the same provider; the answer is the same as for ours."""
    with target.nothing_changes():
        answer = target.deliver(way.of_another_payment(way.fresh_reference()))

    assert (answer.status_code, answer.text) == (200, "ok")
    assert target.books.deliveries[-1].verdict == "parked"


@each_way
def test_a_delivery_for_another_provider_is_not_read(target: Stage, way: Way) -> None:
    """B3: to the address of a provider that it is not from, and to addresses that are none."""
    others = {each.provider for each in WAYS} - {way.provider}

    with target.nothing_changes():
        for path in sorted(others):
            assert target.deliver(way.paid(), f"/webhooks/{path}").status_code in (400, 401)
        for path in ("", "/", f"/{way.provider}/x", f"/{way.provider.upper()}", "/../orders", "/x"):
            assert target.deliver(way.paid(), f"/webhooks{path}").status_code in (404, 405), path


@pytest.mark.parametrize("way", [way for way in WAYS if way.name == "handcash"])
def test_what_handcash_repeats_of_our_parameters_names_no_order(stage: Stage, way: Way) -> None:
    """B9, H5: whoever sees one delivery can write the next, but not choose whom it pays."""
    victim = stage.place(way.fresh_reference())
    with stage.books.open():
        reference = db.session.get_one(Order, victim).payments[0].id
    headers, body = way.paid()
    changed = json.loads(body) | {"customParameters": {"payment": reference}}

    stage.deliver((headers, json.dumps(changed).encode()))

    assert (stage.status(stage.order_id), stage.status(victim)) == ("paid", "open")


@pytest.mark.parametrize("way", [WAYS[0]], ids=["mintcash"])
def test_one_reference_names_one_payment(stage: Stage, way: Way) -> None:
    """B7: the database has the last word."""
    with pytest.raises(IntegrityError):
        stage.place(way.case.payment.provider_reference or "")


#: Environment swap: a delivery of the other system, truly proven with a secret that both share.
SWAPS: dict[str, Callable[[bytes], bytes]] = {
    "mintcash": lambda body: body.replace(b'"environment": "test"', b'"environment": "live"'),
    "wipay": lambda body: body.replace(b'"SB-', b'"'),
}


@pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.name) for way in WAYS if way.name in SWAPS]
)
def test_news_of_the_other_environment_changes_nothing(target: Stage, way: Way) -> None:
    """A11, B19: HitPay, HandCash and Request Network do not say; there keys and hosts decide."""
    body = way.paid()[1]
    swapped = SWAPS[way.name](body)
    assert swapped != body

    with target.nothing_changes(audit=1):
        assert target.deliver(way.sealed(swapped)).status_code == 400

    assert "WrongEnvironment" in target.books.deliveries[-1].reason


# ------------------------------------------------------------------ not the money asked for

MONEY: dict[str, tuple[bytes, bytes, bytes, bytes]] = {
    "mintcash": (b'"amount": 49.99', b'"amount": 49.98', b'"USD"', b'"GBP"'),
    "hitpay_form": (b"599.00", b"598.99", b"SGD", b"TTD"),
    "hitpay_event": (b'"amount": "599.00"', b'"amount": "0.01"', b'"SGD"', b'"TTD"'),
    "request_network": (b'"49.99"', b'"49.98"', b'"USDC"', b'"ETH"'),
}


@pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.name) for way in WAYS if way.name in MONEY]
)
@pytest.mark.parametrize("what", ["amount", "currency"])
def test_less_money_or_other_money_never_pays(stage: Stage, way: Way, what: str) -> None:
    """B1, B2: a genuine delivery; the order is held for a person, nothing is fulfilled.

    WiPay and HandCash name no comparable amount: the stored request is what is paid (H4, H5).
    """
    amount, less, currency, other = MONEY[way.name]
    body = way.paid()[1]
    changed = body.replace(amount, less) if what == "amount" else body.replace(currency, other)
    assert changed != body

    assert stage.deliver(way.sealed(changed)).status_code == 200

    assert stage.status(stage.order_id) == "held"
    assert stage.books.fulfilled() == {}
    assert stage.books.tasks == []


# ------------------------------------------------------------------ the way back


@each_provider
@pytest.mark.parametrize(
    "query",
    [
        "status=success&paid=1&success=true&state=completed",
        "status=completed&payment_request_id=1&reference=1&hmac=1&Hitpay-Signature=1",
        "transactionId=1&status=paid",
        "status=success&transaction_id={reference}&hash=",
        "status=success&transaction_id={reference}",
        "status=success&transaction_id={reference}&hash=d41d8cd98f00b204e9800998ecf8427e",
        "status=canceled&canceled=1&cancel=1",
        "status=failed&error=1",
        "amount=0.01&currency=USD&total=0.01",
        "order_id=1&status[]=success&status=success&status=failed",
    ],
)
def test_an_address_typed_by_hand_pays_and_cancels_nothing(
    target: Stage, way: Way, query: str
) -> None:
    """G1, G2, A12: success without a hash, cancel by anybody; the page shows what is known."""
    typed = query.format(reference=way.case.payment.provider_reference)

    with target.nothing_changes(audit=0):
        shopper = Shopper(target.app)
        answer = shopper.get(f"/orders/{target.order_id}/return/{way.provider}?{typed}")
        assert (answer.status_code, answer.location) == (303, f"/orders/{target.order_id}")
        page = shopper.get(f"/orders/{target.order_id}?{typed}")

    assert "Your order is paid" not in page.text


def wipay_hash(reference: str, total: str, key: str) -> str:
    return hashlib.md5(f"{reference}{total}{key}".encode()).hexdigest()


@wipay_only
def test_the_hash_of_another_order_of_the_same_price_pays_nothing(stage: Stage, way: Way) -> None:
    """B4, H4: a genuine hash of order A, in the return of order B; it pays A when it is A's."""
    victim = stage.place("SB-victim")
    reference = way.case.payment.provider_reference or ""
    true = {
        "status": "success",
        "transaction_id": reference,
        "hash": wipay_hash(reference, "10.00", way.case.account.api_key),
    }
    shopper = Shopper(stage.app)

    with stage.nothing_changes(audit=0):
        shopper.get(f"/orders/{victim}/return/wipay", query_string=true)
        shopper.get(
            f"/orders/{victim}/return/wipay", query_string=true | {"transaction_id": "SB-victim"}
        )

    shopper.get(f"/orders/{stage.order_id}/return/wipay", query_string=true)
    assert (stage.status(stage.order_id), stage.status(victim)) == ("paid", "open")


@wipay_only
def test_a_hash_in_another_spelling_or_over_other_money_pays_nothing(
    target: Stage, way: Way
) -> None:
    """A12: upper case, cut off, over what was debited, with another key, for a failure."""
    reference, key = way.case.payment.provider_reference or "", way.case.account.api_key
    right = wipay_hash(reference, "10.00", key)
    wrong = [
        *(right.upper(), right[:-1], f"{right}0", f" {right}", "", "0" * 32),
        *(wipay_hash(reference, total, key) for total in ("12.05", "10", "10.0", "0.01")),
        *(wipay_hash(reference, "10.00", other) for other in ("", "1234", "0123")),
    ]
    tries = [("success", each) for each in wrong] + [("failed", right), ("SUCCESS", right)]

    with target.nothing_changes(audit=0):
        for status, given in tries:
            query = {"status": status, "transaction_id": reference, "hash": given}
            path = f"/orders/{target.order_id}/return/wipay"
            assert Shopper(target.app).get(path, query_string=query).status_code == 303


# ------------------------------------------------------------------ other people's orders


@pytest.fixture
def bought(shopper: Shopper, mintcash_api: mintcash.Api, books: Books) -> Order:
    """Ann's order, paid and packed, with a download."""
    shopper.add("cookbook")
    shopper.check_out()
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()
    return books.order


def test_an_order_is_found_by_nothing_but_its_id(shopper: Shopper, bought: Order) -> None:
    """G3, G4: neither by what a shopper, a provider or a receipt calls it, nor by counting."""
    with Books(shopper.app).open():
        payment = db.session.query(Payment).one()
        order = db.session.get_one(Order, bought.id)
        names = [
            *("1", "2", "0", "-1", "None", "null", "*", "%25", "_" * 32, "' OR ''='", "[id]"),
            *(bought.number, bought.number.lower(), bought.email, bought.cart_key),
            *(payment.id, payment.provider_reference, bought.customer_id, order.downloads[0].token),
            *(bought.id[:-1], f"{bought.id}0", bought.id[1:], f"{bought.id} ", random_id()),
        ]
    nobody = Shopper(shopper.app)
    unknown = nobody.get(f"/orders/{random_id()}")
    assert unknown.status_code == 404

    for name in names:
        for path in ("/orders/{}", "/orders/{}/status", "/orders/{}/return/mintcash"):
            answer = nobody.get(path.format(name))
            assert answer.status_code == 404, (path, name)
        assert nobody.get(f"/orders/{name}").text.count("Ann") == 0
        assert nobody.post(f"/orders/{name}/payments", {"provider": "mintcash"}).status_code == 404


def test_a_foreign_order_and_an_unknown_one_look_the_same(shopper: Shopper, bought: Order) -> None:
    """G3, MOL: what is answered tells nobody which ids exist."""
    nobody = Shopper(shopper.app)
    one = nobody.get(f"/orders/{bought.id[::-1]}")
    two = nobody.get(f"/orders/{random_id()}")

    def plain(text: str, path: str) -> str:
        return "".join(line for line in text.splitlines(True) if "csrf_token" not in line).replace(
            path, ""
        )

    assert one.status_code == two.status_code == 404
    assert plain(one.text, one.request.path) == plain(two.text, two.request.path)


def test_another_shoppers_browser_knows_nothing_of_the_order(
    shopper: Shopper, bought: Order
) -> None:
    """G3: no page, list or cookie of somebody else leads there."""
    nobody = Shopper(shopper.app)

    for page in ("/", "/cart", "/checkout", "/products/cookbook", "/orders", "/orders/"):
        answer = nobody.get(page)
        assert bought.id not in answer.text
        assert bought.number not in answer.text


def test_ids_have_128_random_bits(app: object) -> None:
    """G3, ASVS 11.5.1: of a thousand no two share their beginning, and none follows another."""
    ids = [random_id() for _ in range(1_000)]

    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
    assert len({each[:12] for each in ids}) == 1_000
    assert ids != sorted(ids)


def test_a_download_opens_by_its_own_token_only(shopper: Shopper, bought: Order) -> None:
    """G4: in as many places as it may, whoever has it."""
    with Books(shopper.app).open():
        token = db.session.get_one(Order, bought.id).downloads[0].token
    nobody = Shopper(shopper.app)

    for guess in (
        bought.id,
        bought.number,
        token[:-1],
        token.upper() + "x",
        "1",
        "../cookbook.pdf",
    ):
        assert nobody.get(f"/downloads/{guess}").status_code in (404, 405), guess
    places = [{"REMOTE_ADDR": f"198.51.100.{number}"} for number in range(6)]
    fetched = [
        nobody.get(f"/downloads/{token}", buffered=True, environ_base=place).status_code
        for place in places
    ]
    assert fetched == [200] * 5 + [410]


def test_a_planted_session_leads_to_nobodys_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Session fixation: the attacker's cookie in the victim's browser.

    A session holds a cart and no person: whoever planted it sees the cart, and never the order.
    """
    shopper.add("candle")
    planted = shopper.client.get_cookie("shop", domain="127.0.0.1")
    assert planted
    victim = Shopper(shopper.app)
    victim.client.set_cookie("shop", planted.value, domain="127.0.0.1")

    victim.check_out(name="Victim Example", email="victim@example.com")

    order_id = books.order.id
    for page in ("/", "/cart", "/checkout"):
        text = shopper.get(page).text
        assert "victim" not in text.lower()
        assert order_id not in text


# ------------------------------------------------------------------ prices


NO_PRICES = ["-1", "0", "0.01", "1e9", "99999999999", "2147483648", "-2147483649", "NaN", "1,5", ""]


@pytest.mark.parametrize("name", ["quantity", "price", "unit_price", "total", "amount", "slug"])
def test_no_number_that_a_browser_sends_becomes_a_price(
    shopper: Shopper, mintcash_api: mintcash.Api, name: str
) -> None:
    """B15: in every form on the way; what is asked for is the shelf's price or nothing."""
    for value in NO_PRICES:
        shopper.post("/cart/items", {"slug": "candle", "quantity": "1", name: value})
        shopper.post("/cart/items/candle", {"quantity": "1", name: value})
        shopper.check_out(**{name: value})

    assert {payment["amount"] for payment in mintcash_api.payments.values()} <= {2800, 5600}
