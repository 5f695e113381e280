"""The console's refund form: what may be typed in it, and who may send it."""

from ..purchases import buy, one_database
from ..sandboxed import ShopAndSandbox
from ..shopper import BASE_URL

#: One database will do: no guard against two at once is passed here.
pytestmark = one_database


def test_a_person_who_types_no_amount_is_told_how(shop: ShopAndSandbox) -> None:
    buy(shop, "mintcash")

    for typed in ("", " ", "12,5", "1e3", "-1", "+1", "0", "0.00", "1.005", "US$5", "１２", "NaN"):
        answer = shop.refund(typed)
        assert answer.status_code == 422, typed
        assert "Please type the amount like 12.50." in answer.text, typed

    assert shop.refunds == []


def test_a_form_without_its_token_refunds_nothing(shop: ShopAndSandbox) -> None:
    """G10."""
    buy(shop, "mintcash")

    answers = [
        shop.refund("5", csrf_token=""),
        shop.refund("5", csrf_token="forged"),
        shop.shopper.client.post(
            f"/console/orders/{shop.books.order.id}/release", base_url=BASE_URL
        ),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert shop.refunds == []


def test_a_payment_of_another_order_and_a_made_up_id_are_not_found(shop: ShopAndSandbox) -> None:
    buy(shop, "mintcash")
    first = shop.refund_form()

    answers = [
        shop.refund("5", payment="0" * 16),
        shop.refund("5", refund="../../etc"),
        shop.refund("5", refund=""),
        shop.shopper.client.post(
            f"/console/orders/{'0' * 32}/refunds", base_url=BASE_URL, data={**first, "amount": "5"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert shop.refunds == []


def test_another_machine_refunds_nothing(shop: ShopAndSandbox) -> None:
    buy(shop, "mintcash")

    answer = shop.shopper.client.post(
        f"/console/orders/{shop.books.order.id}/refunds",
        base_url=BASE_URL,
        data={**shop.refund_form(), "amount": "5"},
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )

    assert answer.status_code == 403
    assert shop.refunds == []
