"""Is it about this order, this money? Genuine proofs put to another use, other people's orders.

Whom news is about comes from what is proven, through our own table; whom a page is about, from 128
random bits.
"""

import pytest
from sqlalchemy.exc import IntegrityError

from database import db
from models import Order, Payment, random_id
from tests import mintcash
from tests.books import Books
from tests.mintcash import event
from tests.shopper import Shopper

from .attacked_shop import AttackedShop
from .senders import SENDERS, Sender, any_sender, each, each_provider, each_sender

signed_return_only = each([sender for sender in SENDERS if sender.case.signed_return])

# ------------------------------------------------------------------ a true delivery, reused


@each_sender
def test_a_true_delivery_pays_its_own_order_wherever_it_is_sent(
    attacked: AttackedShop, sender: Sender
) -> None:
    """B3: order B is named in query, headers and cookies; the delivery is about order A."""
    victim = attacked.place(sender.case.fresh_reference())
    with attacked.books.open():
        reference = db.session.get_one(Order, victim).payments[0].id
    headers, body = sender.paid()
    named = {
        "order": victim,
        "reference": reference,
        "reference_number": reference,
        "id": reference,
    }
    sent = ({**headers, "x-order-id": victim, "cookie": f"order={victim}"}, body)

    answer = attacked.deliver(sent, query_string=named)

    assert answer.status_code == 200
    assert (attacked.status(attacked.order_id), attacked.status(victim)) == ("paid", "open")


@each_sender
def test_a_true_delivery_pays_once_however_often_it_is_replayed(
    attacked: AttackedShop, sender: Sender
) -> None:
    """H1, C1: also in the name of another delivery, where the name is not signed."""
    other = attacked.place(sender.case.fresh_reference())
    assert attacked.deliver(sender.paid()).status_code == 200

    with attacked.nothing_changes():
        for number in range(3):
            headers, body = sender.paid()
            if sender.message.unsigned_id_header:
                headers[sender.message.unsigned_id_header] = f"{number}AAAAAAAAAAAAAAAAAAAAAAAAA"
            assert attacked.deliver((headers, body)).status_code == 200

    assert attacked.status(other) == "open"


@each_sender
def test_a_delivery_about_an_unknown_payment_pays_nothing(
    target: AttackedShop, sender: Sender
) -> None:
    """B8: a payment of another shop at the same provider; the answer is the same as for ours."""
    with target.nothing_changes():
        answer = target.deliver(sender.of_another_payment(sender.case.fresh_reference()))

    assert (answer.status_code, answer.text) == (200, "ok")
    assert target.books.deliveries[-1].verdict == "parked"


@each_sender
def test_a_delivery_for_another_provider_is_not_read(target: AttackedShop, sender: Sender) -> None:
    """B3: to the address of a provider that it is not from, and to addresses that are none."""
    others = {each.provider for each in SENDERS} - {sender.provider}

    with target.nothing_changes():
        for path in sorted(others):
            assert target.deliver(sender.paid(), f"/webhooks/{path}").status_code in (400, 401)
        for path in (
            "",
            "/",
            f"/{sender.provider}/x",
            f"/{sender.provider.upper()}",
            "/../orders",
            "/x",
        ):
            assert target.deliver(sender.paid(), f"/webhooks{path}").status_code in (404, 405), path


@each([sender for sender in SENDERS if not sender.message.signs])
def test_our_reference_in_a_body_that_is_not_signed_names_no_order(
    attacked: AttackedShop, sender: Sender
) -> None:
    """B9, H5: a person who sees one delivery can write the next, but not choose whom it pays."""
    victim = attacked.place(sender.case.fresh_reference())
    with attacked.books.open():
        reference = db.session.get_one(Order, victim).payments[0].id
    headers, body = sender.paid()
    assert sender.message.naming

    attacked.deliver((headers, sender.message.naming(body, reference)))

    assert (attacked.status(attacked.order_id), attacked.status(victim)) == ("paid", "open")


@any_sender
def test_one_reference_names_one_payment(attacked: AttackedShop, sender: Sender) -> None:
    """B7: the database has the last word."""
    with pytest.raises(IntegrityError):
        attacked.place(sender.reference)


@each([sender for sender in SENDERS if sender.message.other_environment])
def test_news_of_the_other_environment_changes_nothing(
    target: AttackedShop, sender: Sender
) -> None:
    """A11, B19: truly proven, with a secret that both systems share.

    Some providers do not say which system it was; there keys and hosts decide.
    """
    assert sender.message.other_environment
    swapped = sender.swapped(sender.message.other_environment)

    with target.nothing_changes(audit=1):
        assert target.deliver(swapped).status_code == 400

    assert "WrongEnvironment" in target.books.deliveries[-1].reason


# ------------------------------------------------------------------ not the money asked for


@each([sender for sender in SENDERS if sender.message.less])
@pytest.mark.parametrize("what", ["amount", "currency"])
def test_less_money_or_other_money_never_pays(
    attacked: AttackedShop, sender: Sender, what: str
) -> None:
    """B1, B2: a genuine delivery; the order is held for a person, nothing is fulfilled.

    Some providers name no comparable amount: the stored request is what is paid (H4, H5).
    """
    swap = sender.message.less if what == "amount" else sender.message.other_currency
    assert swap

    assert attacked.deliver(sender.swapped(swap)).status_code == 200

    assert attacked.status(attacked.order_id) == "held"
    assert attacked.books.fulfilled() == {}
    assert attacked.books.tasks == []


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
    target: AttackedShop, sender: Sender, query: str
) -> None:
    """G1, G2, A12: success without a hash, cancel by a stranger; the page shows what is known."""
    typed = query.format(reference=sender.case.payment.provider_reference)

    with target.nothing_changes(audit=0):
        shopper = Shopper(target.app)
        answer = shopper.get(f"/orders/{target.order_id}/return/{sender.provider}?{typed}")
        assert (answer.status_code, answer.location) == (303, f"/orders/{target.order_id}")
        page = shopper.get(f"/orders/{target.order_id}?{typed}")

    assert "Your order is paid" not in page.text


@signed_return_only
def test_the_proof_of_another_order_of_the_same_price_pays_nothing(
    attacked: AttackedShop, sender: Sender
) -> None:
    """B4, H4: a genuine return of order A, at the address of order B; it pays A when it is A's."""
    signed = sender.case.signed_return
    assert signed
    theirs = sender.case.fresh_reference()
    victim = attacked.place(theirs)
    path = f"return/{sender.provider}"
    true = signed.query(sender.reference, signed.total, signed.key)
    named = {name: theirs if text == sender.reference else text for name, text in true.items()}
    shopper = Shopper(attacked.app)

    with attacked.nothing_changes(audit=0):
        shopper.get(f"/orders/{victim}/{path}", query_string=true)
        shopper.get(f"/orders/{victim}/{path}", query_string=named)

    shopper.get(f"/orders/{attacked.order_id}/{path}", query_string=true)
    assert (attacked.status(attacked.order_id), attacked.status(victim)) == ("paid", "open")


@signed_return_only
def test_a_return_in_another_spelling_or_over_other_money_pays_nothing(
    target: AttackedShop, sender: Sender
) -> None:
    """A12: upper case, cut off, over what was debited, with another key, for a failure."""
    signed = sender.case.signed_return
    assert signed

    def proven(total: str, key: str) -> str:
        return signed.query(sender.reference, total, key)[signed.proof]

    right = proven(signed.total, signed.key)
    wrong = [
        *(right.upper(), right[:-1], f"{right}0", f" {right}", "", "0" * 32),
        *(proven(total, signed.key) for total in ("12.05", "10", "10.0", "0.01")),
        *(proven(signed.total, other) for other in ("", "1234", "0123")),
    ]
    true = signed.query(sender.reference, signed.total, signed.key)
    tries = [true | {signed.proof: each} for each in wrong]
    tries += [true | {"status": status} for status in ("failed", "SUCCESS")]

    with target.nothing_changes(audit=0):
        for query in tries:
            path = f"/orders/{target.order_id}/return/{sender.provider}"
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
    stranger = Shopper(shopper.app)
    unknown = stranger.get(f"/orders/{random_id()}")
    assert unknown.status_code == 404

    for name in names:
        for path in ("/orders/{}", "/orders/{}/status", "/orders/{}/return/mintcash"):
            answer = stranger.get(path.format(name))
            assert answer.status_code == 404, (path, name)
        assert stranger.get(f"/orders/{name}").text.count("Ann") == 0
        assert (
            stranger.post(f"/orders/{name}/payments", {"provider": "mintcash"}).status_code == 404
        )


def test_a_foreign_order_and_an_unknown_one_look_the_same(shopper: Shopper, bought: Order) -> None:
    """G3, MOL: what is answered does not tell which ids exist."""
    stranger = Shopper(shopper.app)
    one = stranger.get(f"/orders/{bought.id[::-1]}")
    two = stranger.get(f"/orders/{random_id()}")

    def plain(text: str, path: str) -> str:
        return "".join(line for line in text.splitlines(True) if "csrf_token" not in line).replace(
            path, ""
        )

    assert one.status_code == two.status_code == 404
    assert plain(one.text, one.request.path) == plain(two.text, two.request.path)


def test_another_shoppers_browser_knows_nothing_of_the_order(
    shopper: Shopper, bought: Order
) -> None:
    """G3: no page, list or cookie of another shopper leads there."""
    stranger = Shopper(shopper.app)

    for page in ("/", "/cart", "/checkout", "/products/cookbook", "/orders", "/orders/"):
        answer = stranger.get(page)
        assert bought.id not in answer.text
        assert bought.number not in answer.text


def test_ids_have_128_random_bits(app: object) -> None:
    """G3, ASVS 11.5.1: of a thousand no two share their beginning, and none follows another."""
    ids = [random_id() for _ in range(1_000)]

    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
    assert len({each[:12] for each in ids}) == 1_000
    assert ids != sorted(ids)


def test_a_download_opens_by_its_own_token_only(shopper: Shopper, bought: Order) -> None:
    """G4: in as many places as it may, by any holder of the link."""
    with Books(shopper.app).open():
        token = db.session.get_one(Order, bought.id).downloads[0].token
    stranger = Shopper(shopper.app)

    for guess in (
        bought.id,
        bought.number,
        token[:-1],
        token.upper() + "x",
        "1",
        "../cookbook.pdf",
    ):
        assert stranger.get(f"/downloads/{guess}").status_code in (404, 405), guess
    places = [{"REMOTE_ADDR": f"198.51.100.{number}"} for number in range(6)]
    fetched = [
        stranger.get(f"/downloads/{token}", buffered=True, environ_base=place).status_code
        for place in places
    ]
    assert fetched == [200] * 5 + [410]


def test_a_planted_session_leads_to_no_order(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """Session fixation: the attacker's cookie in the victim's browser.

    A session holds a cart and no person: the attacker sees the cart, and never the order.
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
