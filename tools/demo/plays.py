"""Scenarios that are more than a page, for every provider that can do what they need.

Each returns what went otherwise than expected, in a word or two, if anything did.
"""

import re
from html import unescape
from urllib.parse import urlsplit

from providers.contract import Method
from tests.providers import cases
from tests.providers.case import Case
from tools.demo.buyer import Buyer
from tools.shopper import Shopper, filled


def another(case: Case) -> Case:
    """Any other provider that takes US dollars."""
    return next(
        each
        for each in cases().values()
        if each.name != case.name and "USD" in each.capabilities.currencies
    )


def read_the_book(buyer: Buyer) -> str:
    """Online: closed before the payment, open after it."""
    page = buyer.check_out(buyer.case.name).url
    order = buyer.newest_order()
    if is_open(buyer, order):
        return "open unpaid"
    buyer.pay_by_default(page)
    buyer.wait_until(lambda: is_open(buyer, order))
    return "" if is_open(buyer, order) else "closed"


def is_open(buyer: Buyer, order: str) -> bool:
    """The second chapter can be read."""
    return "Count to ninety" in buyer.get(f"{order}/read/cookbook/eggs-under-a-lid").text


def refund_in_two_parts(buyer: Buyer) -> str:
    """By the console's form, which offers all that is left; the book closes with the last of it."""
    buyer.pay_by_default(buyer.check_out(buyer.case.name).url)
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "paid")
    form = f"/console{urlsplit(order).path}/refunds"
    buyer.fill_in(buyer.console(order), form, amount="5.00")
    buyer.wait_until(lambda: "You got US$5.00 back." in buyer.get(order).text)
    if not is_open(buyer, order):
        return "closed"
    buyer.fill_in(buyer.console(order), form)
    return "still open" if is_open(buyer, order) else ""


def refund_all(buyer: Buyer) -> str:
    """By the console's form, for a provider that refunds whole payments; the book closes."""
    buyer.pay_by_default(buyer.check_out(buyer.case.name).url)
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "paid")
    buyer.fill_in(buyer.console(order), f"/console{urlsplit(order).path}/refunds")
    return "still open" if is_open(buyer, order) else ""


def pay_two_carts(buyer: Buyer) -> str:
    """The cart changes after "Pay"; the page of the first is paid after that of the second.

    One order is fulfilled, and the money of the other is refunded.
    """
    name = buyer.case.name
    first_page, first = buyer.check_out(name).url, buyer.newest_order()
    buyer.add("cookbook")
    second_page, second = buyer.check_out(name).url, buyer.newest_order()
    buyer.pay_by_default(second_page)
    buyer.wait_until(lambda: buyer.state(second) == "paid")
    buyer.pay_by_default(first_page)
    buyer.wait_until(lambda: buyer.payment(1)["refunded"] > 0)
    if buyer.payment(1)["refunded"] != buyer.payment(1)["taken"]:
        return "kept twice"
    buyer.wait_until(lambda: buyer.state(first) != "waiting")
    return "" if buyer.state(first) in ("twice", "refunded") else "both paid"


def release_without_money(buyer: Buyer) -> str:
    """A person refunds a held order, and then wants it to be fulfilled."""
    page = buyer.check_out(buyer.case.name).url
    buyer.pay_by_default(page, fault="close_tab", delivery_fault="wrong_amount")
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "held")
    form = f"/console{urlsplit(order).path}"
    buyer.fill_in(buyer.console(order), f"{form}/refunds")
    buyer.fill_in(buyer.console(order), f"{form}/release")
    buyer.wait_until(lambda: buyer.payment()["refunded"] > 0)
    if buyer.payment()["refunded"] == 0:
        return "no refund"

    def is_refunded() -> bool:
        """A check may have found meanwhile that more came than the webhook said."""
        if buyer.state(order) == "held":
            buyer.fill_in(buyer.console(order), f"{form}/refunds")
        return buyer.state(order) == "refunded"

    buyer.wait_until(is_refunded)
    return "released" if "Download" in buyer.get(order).text else ""


def pay_elsewhere_after_expiry(buyer: Buyer) -> str:
    """Back from a page that has expired, another way is on offer."""
    page = buyer.check_out(buyer.case.name).url
    expired = buyer.pay(page, buyer.case.name, **buyer.case.page.pays, fault="expire")
    back = re.search(rf'href="({buyer.shop}/orders/[^"]*)"', expired.text)
    order = buyer.newest_order()
    buyer.get(unescape(back[1]) if back else order)
    action = f"{urlsplit(order).path}/payments"
    buyer.wait_until(lambda: f'action="{action}"' in buyer.get(order).text)
    if f'action="{action}"' not in buyer.get(order).text:
        return "stuck"
    other = another(buyer.case)
    buyer.pay_by_default(buyer.fill_in(order, action, provider=other.name).url, other)
    return ""


def sell_at_the_till(buyer: Buyer) -> str:
    """The shop's people type an amount; what the code says leads the shopper to the page."""
    currencies = buyer.case.capabilities.currencies
    currency = "USD" if "USD" in currencies else currencies[0]
    form = f"{buyer.shop}/console/till?currency={currency}"
    sale = buyer.fill_in(form, "/console/till", amount="12.50", way=buyer.case.name)
    code = re.search(r'id="page"\s+href="([^"]+)"', sale.text)
    if code is None:
        return "no code"
    buyer.pay_by_default(buyer.get(unescape(code[1])).url)
    buyer.wait_until(lambda: buyer.state(sale.url) == "paid")
    return "" if buyer.state(sale.url) == "paid" else "not seen at the till"


def scan_the_code(code: Method, buyer: Buyer) -> None:
    currency = code.currencies[0]
    buyer.fill_in(f"{buyer.shop}/products/cookbook", "/currency", currency=currency)
    buyer.check_out(f"{buyer.case.name}/{code.key}")
    scan_the_newest_code(buyer)


def scan_the_newest_code(shopper: Shopper) -> None:
    """The sandbox's front page stands for the phone: the newest code is the first there."""
    link = re.search(r'href="([^"]*)">\s*Scan the QR code', shopper.get(shopper.sandbox).text)
    shopper.post(unescape(link[1]) if link else shopper.sandbox)


def pay_with_a_saved_card(buyer: Buyer) -> None:
    """It is charged with a nod on the provider's page."""
    buyer.pay(buyer.check_out(save_a_card(buyer, buyer.case)).url, buyer.case.name)


def save_a_card(shopper: Shopper, case: Case) -> str:
    """On the provider's page, then verified by what was debited; the choice at the checkout."""
    page = shopper.fill_in(f"{shopper.shop}/cards", f"/cards/{case.name}").url
    verify = shopper.pay(page, case.name, **case.page.pays).url
    statement = shopper.get(f"{shopper.sandbox}{case.page.statement}").text
    debited = re.search(r"[0-9]+\.[0-9]{2}", statement)
    shopper.fill_in(verify, urlsplit(verify).path, amount=debited[0] if debited else "")
    offered = shopper.get(f"{shopper.shop}/checkout").text
    card = re.search(rf'value="({case.name}/card:[^"]+)"', offered)
    return card[1] if card else ""


def leave_and_pay_elsewhere(buyer: Buyer) -> str:
    """Back at the checkout, another provider is chosen; the page that was left gets closed."""
    left, other = buyer.check_out(buyer.case.name).url, another(buyer.case)
    buyer.pay_by_default(buyer.check_out(other.name).url, other)
    field = f'name="{next(iter(buyer.case.page.pays))}"'
    buyer.wait_until(lambda: field not in buyer.get(left).text)
    return "left open" if field in buyer.get(left).text else ""


def subscribe(buyer: Buyer) -> tuple[str, str]:
    """The monthly coffee instead of the e-book: addresses of the cart's order and of its button."""
    buyer.post(f"{buyer.shop}/cart/items/cookbook/remove", **_token(buyer))
    buyer.add("monthly-coffee")
    buyer.pay_by_default(buyer.check_out(buyer.case.name).url)
    order = buyer.newest_order()
    buyer.wait_until(lambda: buyer.state(order) == "paid")
    return order, f"{buyer.sandbox}/control/payments/{buyer.payment()['number']}"


def _token(buyer: Buyer) -> dict[str, str]:
    cart = buyer.get(f"{buyer.shop}/cart").text
    return {"csrf_token": filled(cart, "/cart/items/cookbook/remove")["csrf_token"]}


def a_month_later(buyer: Buyer) -> str:
    """The renewal is an order of its own, paid and with its receipt."""
    first, button = subscribe(buyer)
    buyer.post(button, action="renew")
    buyer.wait_until(lambda: buyer.newest_order() != first)
    return "no order" if buyer.newest_order() == first else ""


def a_month_missed(buyer: Buyer) -> str:
    """The renewal is declined; the shopper pays that month on the page the letter leads to."""
    first, button = subscribe(buyer)
    buyer.post(button, action="decline")
    buyer.post(button, action="renew")
    buyer.wait_until(lambda: buyer.newest_order() != first)
    missed = buyer.newest_order()
    if missed == first:
        return "no order"
    action = f"{urlsplit(missed).path}/payments"
    buyer.pay_by_default(buyer.fill_in(missed, action, provider=buyer.case.name).url)
    return ""


def cancelled(buyer: Buyer) -> str:
    """By the button of the order's page, at once."""
    order, _ = subscribe(buyer)
    buyer.fill_in(order, f"{urlsplit(order).path}/cancel-subscription")
    buyer.wait_until(lambda: "This subscription is cancelled" in buyer.get(order).text)
    return "" if "This subscription is cancelled" in buyer.get(order).text else "runs on"
