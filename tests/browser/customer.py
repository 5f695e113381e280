"""What a customer does in the browser, in words."""

from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from tests.providers.mintcash.case import CARD, CHALLENGED, FAILS
from tools.shopper import ANN

from .site import Site

SUCCESS = CARD["number"]
SUCCESS_3DS = CHALLENGED["number"]
FAILING = FAILS["number"]


@dataclass
class Customer:
    """One browser tab and the person before it."""

    site: Site
    page: Page
    #: What the browser had to say against the page: errors, broken rules of its policy.
    complaints: list[str] = field(default_factory=list)

    def add(self, slug: str) -> None:
        self.page.goto(f"{self.site.shop}/products/{slug}")
        self.page.get_by_role("button", name="Add to cart").click()
        expect(self.page.locator("#cart-badge")).to_contain_text("1")

    def fill_in_checkout(self, provider: str = "mintcash") -> None:
        page = self.page
        page.goto(f"{self.site.shop}/checkout")
        page.get_by_label("Name").fill(ANN["name"])
        page.get_by_label("E-mail").fill(ANN["email"])
        if page.get_by_label("Street and number").count():
            page.get_by_label("Street and number").fill(ANN["line1"])
            page.get_by_label("City").fill(ANN["city"])
            page.get_by_label("Postal code").fill(ANN["postal_code"])
            page.get_by_label("Country").select_option(ANN["country"])
        page.locator(f"label[for=provider-{provider}]").click()

    def leave_to_pay(self, provider: str = "mintcash") -> None:
        """From the filled-in checkout, or the order's page, to the provider's page."""
        self.page.get_by_role("button", name="Pay US$").click()
        self.page.wait_for_url(f"{self.site.sandbox}/{provider}/**")

    def check_out(self, slug: str, provider: str = "mintcash") -> None:
        """From the shelf to the provider's page."""
        self.add(slug)
        self.fill_in_checkout(provider)
        self.leave_to_pay(provider)

    def fill_in_card(
        self,
        number: str,
        expiry: str = CARD["expiry"],
        fault: str = "none",
        delivery_fault: str = "none",
    ) -> None:
        page = self.page
        page.get_by_label("Card number").fill(number)
        page.get_by_label("Expiry").fill(expiry)
        page.get_by_label("Security code").fill("123")
        page.get_by_label("Name on card").fill(CARD["holder"])
        if (fault, delivery_fault) != ("none", "none"):
            drawer = page.locator("details", has_text="Sandbox: test cards and faults").first
            if drawer.get_attribute("open") is None:
                drawer.locator("summary").first.click()
            page.locator("select[name=fault]").select_option(fault)
            page.locator("select[name=delivery_fault]").select_option(delivery_fault)

    def pay(self, number: str, **how: str) -> None:
        self.fill_in_card(number, **how)
        self.page.get_by_role("button", name="Pay $").click()

    def sees(self, headline: str) -> None:
        """The order's page says so, sooner or later, without being touched."""
        expect(self.page.locator("#payment-headline")).to_have_text(headline, timeout=30_000)

    @property
    def order_url(self) -> str:
        return self.page.url.partition("?")[0]
