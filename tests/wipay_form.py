"""The form of ours that the shopper's browser posts to WiPay."""

from tools.shopper import filled

from .conftest import OpenShop
from .sandboxed import ShopAndSandbox
from .shopper import BASE_URL


def check_out_by_form(open_shop: OpenShop) -> ShopAndSandbox:
    """WiPay hears of the payment for an e-book from the shopper's browser, not from the shop."""
    shop = open_shop(wipay_mode="form")
    shop.check_out("wipay")
    assert shop.url == f"{BASE_URL}/orders/{shop.books.order.id}/pay"
    return shop


def the_form(shop: ShopAndSandbox) -> tuple[str, dict[str, str]]:
    """Where it goes, and what is in it."""
    page = shop.shopper.get(f"/orders/{shop.books.order.id}/pay").text
    action = str(shop.books.payment.page_url)
    return action, filled(page, action)


def post_form(shop: ShopAndSandbox, **changes: str) -> str:
    """Press the button; the address of WiPay's page."""
    action, fields = the_form(shop)
    shop.press(action, **fields | changes)
    return shop.url
