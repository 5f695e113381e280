"""HitPay's drop-in in a real browser: our script, the sandbox's, and a page as strict as ours."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, Response
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from sandbox import config
from sandbox.app import create_app
from sandbox.models import db
from tests.sandbox.driver import served
from tools.run import free_port

STATIC = Path(__file__).parent.parent.parent / "static"


@dataclass
class DropIn:
    """A browser tab, the sandbox, and a shop that has one page: that of the drop-in."""

    page: Page
    shop: str
    sandbox: str
    payment: dict[str, Any] = field(default_factory=dict)
    default_link: str = ""
    plain_script: str = ""

    @property
    def return_url(self) -> str:
        return f"{self.shop}/orders/1/return/hitpay"

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def call(self, method: str, path: str = "", **form: str) -> dict[str, Any]:
        url = f"{self.sandbox}/hitpay/v1/payment-requests{path}"
        headers = {"X-BUSINESS-API-KEY": "test_kiln_and_kettle"}
        return dict(requests.request(method, url, headers=headers, data=form, timeout=10).json())

    def shop_app(self) -> Flask:
        app = Flask("shop", static_folder=STATIC)
        app.add_url_rule("/leave", view_func=self.leave)
        app.add_url_rule("/plain", view_func=self.plain)
        app.add_url_rule("/orders/1/return/hitpay", view_func=lambda: "<h1>The order</h1>")
        return app

    def leave(self) -> Response:
        host = self.sandbox.removeprefix("http://")
        plain = self.payment["url"]
        page = f"""<!doctype html><title>Pay</title>
            <div id="drop-in" data-url="{plain}" data-return="{self.return_url}"
                 data-request="{self.payment["id"]}" data-link="{self.default_link or plain}"
                 data-scheme="http" data-domain="{host}" data-api-domain="{host}"
                 data-path="/hitpay"><a href="{plain}">Pay at HitPay</a></div>
            <script src="{self.sandbox}/hitpay/hitpay.js" data-drop-in-script defer></script>
            <script src="/static/js/hitpay.js" defer></script>"""
        policy = f"default-src 'none'; script-src 'self' {self.sandbox}; frame-src {self.sandbox}"
        return Response(page, headers={"Content-Security-Policy": policy})

    def plain(self) -> str:
        """A page as in HitPay's guide, without this shop's script."""
        return f"""<!doctype html><title>Pay</title>
            <body><script src="{self.sandbox}/hitpay/hitpay.js"></script>
            <script>{self.plain_script}</script>"""


@pytest.fixture
def drop_in(browser: Browser, tmp_path: Path) -> Iterator[DropIn]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    drop_in = DropIn(
        context.new_page(), f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    )
    sandbox = create_app(
        config.load(
            base_url=drop_in.shop,
            sandbox_url=drop_in.sandbox,
            sandbox_database_url=f"sqlite:///{tmp_path}/sandbox.db",
            sandbox_deliver=False,
        )
    )
    with served(drop_in.sandbox, sandbox), served(drop_in.shop, drop_in.shop_app()):
        order = {"amount": "49.99", "currency": "SGD", "redirect_url": drop_in.return_url}
        drop_in.payment = drop_in.call("POST", **order)
        yield drop_in
        context.close()
    with sandbox.app_context():
        db.engine.dispose()


def pay_by_card(frame: FrameLocator, number: str = "4242 4242 4242 4242") -> None:
    frame.get_by_label("Card number").fill(number)
    frame.get_by_label("Expiry").fill("03/31")
    frame.get_by_label("Security code").fill("123")
    frame.get_by_role("button", name="Pay SGD").click()


@pytest.mark.parametrize("link", ["", "/hitpay/payment-request/@kiln-and-kettle/"])
def test_a_payment_is_made_without_leaving(drop_in: DropIn, link: str) -> None:
    """With the request's own address as default link, and with the account's: both are in use."""
    drop_in.default_link = link and drop_in.sandbox + link
    said: list[str] = []
    drop_in.page.on("console", lambda message: said.append(message.text))
    drop_in.page.goto(f"{drop_in.shop}/leave")

    pay_by_card(drop_in.frame, "4000 0000 0000 0002")
    expect(drop_in.frame.get_by_role("alert")).to_contain_text("Your card was declined")
    pay_by_card(drop_in.frame)

    reference = drop_in.payment["id"]
    drop_in.page.wait_for_url(f"{drop_in.return_url}?reference={reference}&status=completed")
    assert drop_in.call("GET", f"/{reference}")["status"] == "completed"
    assert not any("Content Security Policy" in each for each in said)


@pytest.mark.parametrize(
    ("toggle", "opened"),
    [
        ("{paymentRequest: request}", "Card number"),
        ("{paymentRequest: request, method: 'paynow_online'}", "Pay with the app"),
        ("{amount: 12.5}", "Amount in SGD"),
        ("{}", "Amount in SGD"),
    ],
)
def test_the_default_link_is_all_that_the_script_needs(
    drop_in: DropIn, toggle: str, opened: str
) -> None:
    """As in HitPay's guide: a default link, and a payment request or an amount; no options."""
    drop_in.plain_script = f"""
        const request = "{drop_in.payment["id"]}";
        HitPay.init("{drop_in.sandbox}/hitpay/payment-request/@kiln-and-kettle/");
        HitPay.toggle({toggle});"""
    drop_in.page.goto(f"{drop_in.shop}/plain")

    if "amount" in toggle:
        expect(drop_in.frame.get_by_label(opened)).to_have_value("12.5")
        drop_in.frame.get_by_role("button", name="Continue").click()
        pay_by_card(drop_in.frame)
        expect(drop_in.frame.get_by_role("heading", name="Payment received")).to_be_visible()
    else:
        expect(drop_in.frame.get_by_text(opened).first).to_be_visible()


def test_a_shopper_who_closes_it_finds_the_button_that_opens_it_again(drop_in: DropIn) -> None:
    drop_in.page.goto(f"{drop_in.shop}/leave")
    button = drop_in.page.locator("#drop-in a")

    expect(drop_in.frame.get_by_label("Card number")).to_be_visible()
    expect(button).to_be_hidden()
    drop_in.frame.get_by_role("button", name="Cancel").click()
    expect(button).to_be_focused()
    expect(drop_in.page.locator("iframe")).to_have_count(0)

    button.click()
    pay_by_card(drop_in.frame)
    drop_in.page.wait_for_url(f"{drop_in.return_url}?**")


@pytest.mark.parametrize("answer", [None, "not a script at all", "window.HitPay = {}"])
def test_without_hitpays_script_it_goes_on_on_the_plain_page(
    drop_in: DropIn, answer: str | None
) -> None:
    def spoil(route: Route) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(body=answer, content_type="text/javascript")

    drop_in.page.route("**/hitpay/hitpay.js", spoil)
    drop_in.page.goto(f"{drop_in.shop}/leave")

    drop_in.page.wait_for_url(drop_in.payment["url"])
    expect(drop_in.page.get_by_label("Card number")).to_be_visible()


def test_a_request_that_is_over_says_so_on_the_plain_page(drop_in: DropIn) -> None:
    drop_in.call("DELETE", f"/{drop_in.payment['id']}")
    drop_in.page.goto(f"{drop_in.shop}/leave")

    drop_in.page.wait_for_url(drop_in.payment["url"])
    expect(drop_in.page.get_by_role("heading", name="This payment was canceled")).to_be_visible()


def test_no_foreign_page_may_frame_it(drop_in: DropIn) -> None:
    """No page may frame the plain page, and only the shop that of the drop-in."""
    page = drop_in.payment["url"]
    thief = Flask("thief")
    frames = f'<iframe src="{page}"></iframe><iframe src="{page}?drop_in=1"></iframe>'
    thief.add_url_rule("/", view_func=lambda: frames)
    refused: list[str] = []
    drop_in.page.on("console", lambda message: refused.append(message.text))
    address = f"http://127.0.0.1:{free_port()}"

    with served(address, thief):
        drop_in.page.goto(address)

    assert len([each for each in refused if "frame-ancestors" in each]) == 2
