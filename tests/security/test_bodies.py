"""What a body may do to the shop: correctly signed nonsense, odd text everywhere, too much of it.

Required: an answer below 500, and all tables as they were. On both databases, since they differ in
what they take: PostgreSQL stores no NUL and has no integers without end.
"""

import gzip
import itertools
import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.contract import News
from tests import mintcash
from tests.books import Books
from tests.providers import cases
from tests.shopper import ANN, BASE_URL, Shopper

from .attacked_shop import AttackedShop
from .senders import SENDERS, Sender, each, each_form, each_sender, each_signed_json

both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
each_json = each([sender for sender in SENDERS if sender.message.is_json])

# ------------------------------------------------------------------ webhooks


def inside(text: bytes) -> Callable[[bytes], bytes]:
    """A field more, at the top of the object."""
    return lambda body: body.replace(b"{", b'{"note": ' + text + b", ", 1)


#: Truly proven, and answered 400: no parser is asked to make the best of it.
NONSENSE: dict[str, Callable[[bytes], bytes]] = {
    "null": lambda body: b"null",
    "list": lambda body: b"[" + body + b"]",
    "text": lambda body: json.dumps(body.decode()).encode(),
    "number": lambda body: b"7",
    "white_space_only": lambda body: b" \n",
    "cut_off": lambda body: body[:-1],
    "two_documents": lambda body: body + body,
    "nan": inside(b"NaN"),
    "infinity": inside(b"-Infinity"),
    "number_of_5000_digits": inside(b"9" * 5_000),
    "nested_lists": inside(b"[" * 30_000 + b"]" * 30_000),
    "nested_objects": inside(b'{"a":' * 9_000 + b"1" + b"}" * 9_000),
    "duplicate_key": lambda body: inside(b"1")(inside(b"2")(body)),
    "duplicate_key_inside": inside(b'{"amount": 1, "amount": 2}'),
    "two_byte_order_marks": lambda body: 2 * b"\xef\xbb\xbf" + body,
    "byte_order_mark_within": lambda body: body.replace(b"{", b"{\xef\xbb\xbf", 1),
    "byte_order_mark_after_a_space": lambda body: b" \xef\xbb\xbf" + body,
    "byte_order_mark_of_utf_16": lambda body: b"\xff\xfe" + body,
    "utf_16": lambda body: body.decode().encode("utf-16"),
    "utf_32": lambda body: body.decode().encode("utf-32"),
    "not_utf_8": inside(b'"\xff\xfe"'),
    "overlong_utf_8": inside(b'"\xc0\xaf"'),
    "raw_nul": inside(b'"\0"'),
    "comment": inside(b"1 /* trust me */"),
    "single_quotes": inside(b"'a'"),
}


@each_json
@pytest.mark.parametrize("spoil", NONSENSE.values(), ids=NONSENSE.keys())
def test_signed_nonsense_changes_nothing(
    target: AttackedShop, sender: Sender, spoil: Callable[[bytes], bytes]
) -> None:
    """A15."""
    sent = sender.sealed(spoil(sender.paid()[1]))

    with target.nothing_changes(audit=1):
        assert target.deliver(sent).status_code == 400


@each_json
def test_one_byte_order_mark_before_a_signed_body_is_ignored(sender: Sender) -> None:
    """P18, RFC 8259 8.1, aacerox/node-rest-client#197: it is signed with the rest."""
    sent = sender.sealed(BOM_UTF8 + sender.paid()[1])

    (news,) = sender.case.provider.read_webhook(sender.case.account, *sent)

    assert isinstance(news, News)
    assert news.status == "succeeded"


ODD_AMOUNTS = [
    *("-1", "1e400", "1E+2", '"NaN"', '"Infinity"', '"1e3"', '"1_000"', '"１２"', '" 5 "', '"-0"'),
    *('"49.999"', '"49,99"', '"0x10"', "true", "[]", "{}", '""', '"' + "9" * 400 + '"'),
]


@each([sender for sender in SENDERS if sender.message.amount_field])
@pytest.mark.parametrize("amount", ODD_AMOUNTS)
def test_an_amount_that_is_none_changes_nothing(
    target: AttackedShop, sender: Sender, amount: str
) -> None:
    """A15, B17: what is no plain decimal is none. (Null is "not said": P8, P9.)"""
    event = json.loads(sender.paid()[1])
    name = sender.message.amount_field
    next(holder for holder, key in leaves(event) if key == name)[name] = "HERE"
    sent = sender.sealed(json.dumps(event).replace('"HERE"', amount).encode())
    if amount in sender.message.fine_amounts:
        return

    with target.nothing_changes(audit=1):
        assert target.deliver(sent).status_code == 400


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where a JSON document has its values: (holder, key)."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(pairs):
        yield value, key
        if isinstance(inner, dict | list):
            yield from leaves(inner)


ODD_VALUES = ["a\0b", "\ud800", 7]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@each_json
def test_no_field_of_a_true_delivery_makes_the_shop_stumble(
    attacked: AttackedShop, sender: Sender
) -> None:
    """A15: every field in turn holds what the stricter of the databases would not take."""
    count = len(list(leaves(json.loads(sender.paid()[1]))))

    with attacked.nothing_changes():
        for number, odd in itertools.product(range(count), ODD_VALUES):
            headers, body = sender.of_another_payment(sender.case.fresh_reference())
            event = json.loads(body)
            holder, key = list(leaves(event))[number]
            holder[key] = odd
            sent = sender.proof.seal((headers, json.dumps(event).encode()), sender.secret)
            assert attacked.deliver(sent).status_code in (200, 400, 401), (key, odd)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@each_form
def test_no_field_of_a_true_form_makes_the_shop_stumble(
    attacked: AttackedShop, sender: Sender
) -> None:
    """A15."""
    names = (b"payment_id", b"payment_request_id", b"reference_number", b"amount", b"status")
    values = (b"", b"%00", b"a%00b", b"%ED%A0%80", b"%C3%A9" * 200, b"%0D%0A", b"-1", b"1e9")

    with attacked.nothing_changes():
        for name, odd in itertools.product(names, values):
            headers, body = sender.of_another_payment(sender.case.fresh_reference())
            spoiled = body.replace(name + b"=", name + b"=" + odd + b"&was=", 1)
            sent = sender.proof.seal((headers, spoiled), sender.secret)
            assert attacked.deliver(sent).status_code in (200, 400, 401), (name, odd)


@each_sender
@pytest.mark.parametrize("size", [64_001, 200_001, 10_000_000])
def test_a_huge_delivery_is_not_even_read(target: AttackedShop, sender: Sender, size: int) -> None:
    """G19, A15: truly proven or not; nothing is written down for it."""
    headers, body = sender.paid()
    padding = (b" " if sender.message.is_json else b"x") * (size - len(body))
    padded = body + padding if sender.message.is_json else b"note=" + padding + b"&" + body
    sent = sender.proof.seal((headers, padded), sender.secret)

    with target.nothing_changes(audit=0):
        assert target.deliver(sent).status_code == 413


@each_signed_json
def test_a_packed_body_is_not_unpacked(target: AttackedShop, sender: Sender) -> None:
    """A17, A18: what is signed is what is read; a small body cannot become a large one."""
    headers, body = sender.paid()

    with target.nothing_changes(audit=1):
        answer = target.deliver(({**headers, "content-encoding": "gzip"}, gzip.compress(body)))

    assert answer.status_code == 401


CONTENT_TYPES = [
    None,
    "",
    "text/plain",
    "application/json; charset=utf-16",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "../../etc/passwd",
]


@each_sender
def test_the_sender_does_not_choose_the_parser(attacked: AttackedShop, sender: Sender) -> None:
    """A17, A18: the true delivery is as true under any label."""
    for kind in CONTENT_TYPES:
        reference = sender.case.fresh_reference()
        order_id = attacked.place(reference)
        headers, body = sender.of_another_payment(reference)
        del headers["content-type"]

        answer = attacked.deliver((headers, body), content_type=kind)

        assert (answer.status_code, attacked.status(order_id)) == (200, "paid"), kind


@each_sender
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_true_delivery_by_another_method_changes_nothing(
    target: AttackedShop, sender: Sender, method: str
) -> None:
    """A19: nor does any header or field turn one method into another."""
    headers, body = sender.paid()
    sent = ({**headers, "x-http-method-override": "POST", "x-method-override": "POST"}, body)

    with target.nothing_changes(audit=0):
        answer = target.deliver(sent, method=method, query_string={"_method": "POST"})

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


# ------------------------------------------------------------------ addresses and forms

TEXTS = [
    "\0",
    "a\0b",
    "\ud800",
    "\ufffe",
    "é" * 3_000,
    "x" * 9_000,
    "' OR 1=1 --",
    "../../x",
    "%s{}",
]
NUMBERS = ["-1", "0", "9" * 30, "1e9", "１", "NaN", "1;2"]


@both_databases
def test_no_address_makes_the_shop_stumble(shopper: Shopper, books: Books) -> None:
    """G3, G7: whatever stands where a name, an id or a number is expected."""
    (known,) = books.place_order({"candle": 1})
    order_id = books.order.id
    before = books.snapshot()
    signed_returns = [
        (case.name, "&".join(f"{name}={{}}" for name in case.signed_return.query("", "", "")))
        for case in cases().values()
        if case.signed_return
    ]
    templates = [
        *("/products/{}", "/orders/{}", "/orders/{}/status", "/orders/{}/return/mintcash"),
        *(f"/orders/{order_id}/return/{{}}", f"/orders/{order_id}/status?was={{}}"),
        f"/orders/{order_id}/status?opened={{}}&seen={{}}",
        *("/products/{}/taste", "/orders/{}/read/{}", f"/orders/{order_id}/read/cookbook/{{}}"),
        *("/console/subscriptions?status={}&before={}", "/console/till?currency={}"),
        *("/console/till/sales?day={}&before={}", "/console/till/sales/{}"),
        *(f"/orders/{order_id}/return/{name}?{query}" for name, query in signed_returns),
        "/downloads/{}",
        *(
            "/console?before={}",
            "/console/orders/{}",
            "/console/mail/{}",
            "/console/mail?before={}",
        ),
        *("/console/webhooks?before={}", "/static/{}", "/{}", "/checkout?{}={}", "/cart/items/{}"),
    ]

    stumbled = []
    for template, odd in itertools.product(templates, TEXTS + NUMBERS):
        quoted = odd.encode("utf-8", "surrogatepass")
        path = template.replace("{}", "".join(f"%{byte:02X}" for byte in quoted[:1_500]))
        if shopper.get(path).status_code >= 500:
            stumbled.append((template, odd[:20]))

    assert stumbled == []
    assert books.snapshot() == before
    assert known["externalId"] == books.payment.id


EXPECTED = (200, 204, 302, 303, 400, 404, 409, 422)


@both_databases
def test_no_field_of_a_form_makes_the_shop_stumble(
    shopper: Shopper, mintcash_api: mintcash.Api, books: Books
) -> None:
    """B15, G14: every field of every form; an order is made only of what can be one."""
    (_,) = books.place_order({"candle": 1})
    order_id = books.order.id
    shopper.add("candle")
    forms: dict[str, dict[str, str]] = {
        "/currency": {"currency": "USD", "next": "/"},
        "/cart/items": {"slug": "candle", "quantity": "1"},
        "/cart/items/candle": {"quantity": "1"},
        f"/orders/{order_id}/payments": {"provider": "mintcash"},
        "/checkout": dict(ANN),
    }

    (limiter,) = shopper.app.extensions["limiter"]
    stumbled = []
    for path, fields in forms.items():
        if path == "/checkout":
            fields["shown"] = shopper.shown()
        for name, odd in itertools.product(fields, TEXTS):
            form = {**fields, name: odd.encode("utf-8", "surrogatepass")}
            limiter.reset()
            if shopper.post(path, form).status_code not in EXPECTED:
                stumbled.append((path, name, odd[:20]))

    assert stumbled == []
    assert mintcash_api.payments
    assert all(order["amount"] == 2800 for order in mintcash_api.payments.values() if order)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"a=" + b"x" * 10_000_000, "application/x-www-form-urlencoded", id="10_mb"),
        pytest.param(
            b"&".join(b"a%d=1" % n for n in range(30_000)),
            "application/x-www-form-urlencoded",
            id="30000_fields",
        ),
        pytest.param(
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 1_000 + b"--x--",
            "multipart/form-data; boundary=x",
            id="1000_parts",
        ),
    ],
)
def test_a_form_that_is_too_much_is_answered_413(
    shopper: Shopper, books: Books, body: bytes, kind: str
) -> None:
    """G19: and by no more than that, although its token can then not be found."""
    before = books.snapshot()

    answer = shopper.client.post("/checkout", base_url=BASE_URL, data=body, content_type=kind)

    assert answer.status_code == 413
    assert books.snapshot() == before
