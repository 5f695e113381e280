"""WCAG 2.2 AA on every page in every state: by axe-core, by keyboard, and for who listens."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import html5lib
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from database import transaction
from models import Product

from .states import STATES, ScriptedShop, State, add_to_cart, order

ROOT = Path(__file__).parent.parent.parent
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
WIDTHS = (320, 1440)  # pixels: the narrowest that WCAG asks for (1.4.10), and a desk
BY_NAME = {state.name: state for state in STATES}

#: Target size is off by default in axe; a theme changes nothing but colours.
EVERY_RULE = {"rules": {"target-size": {"enabled": True}}}
COLOURS = {"runOnly": ["color-contrast"]}
RUN_AXE = """async rules => {
  const run = await axe.run({resultTypes: ["violations"], ...rules});
  return run.violations.map(rule =>
    `${rule.id}: ${rule.nodes.map(node => node.target.join(" ")).join(", ")}`);
}"""

#: WCAG 2.5.8, without its exception for small targets that stand apart. A link in a sentence may
#: be as high as the sentence; a radio button's target is its label.
SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, input, select, summary")]
  .filter(each => each.checkVisibility() && each.type !== "radio" && !each.closest(".skip"))
  .filter(each => getComputedStyle(each).display !== "inline")
  .filter(each => {
    const box = each.getBoundingClientRect();
    return box.width < 24 || box.height < 24;
  })
  .map(each => each.outerHTML)"""


@pytest.fixture(scope="module", name="tab")
def _tab(browser: Browser) -> Iterator[Page]:
    """One tab for all states: nothing stays in it but cookies, and those are cleared."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Page) -> Page:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    return tab


@pytest.fixture
def answers(page: Page) -> Iterator[list[Any]]:
    """What the server says from now on: pages, and the fragments that htmx asks for."""
    with listening(page, "response") as found:
        yield found


@pytest.fixture
def no_complaint(page: Page) -> Iterator[None]:
    """The page breaks no rule of its own content security policy."""
    with listening(page, "console") as found:
        yield
    assert [each.text for each in found if "Content Security Policy" in each.text] == []


@contextmanager
def listening(page: Page, event: Any) -> Iterator[list[Any]]:
    found: list[Any] = []

    def keep(each: Any) -> None:
        found.append(each)

    page.on(event, keep)
    yield found
    page.remove_listener(event, keep)


@pytest.mark.usefixtures("no_complaint")
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_page_is_valid_and_axe_finds_nothing(
    scripted: ScriptedShop, page: Page, answers: list[Any], state: State
) -> None:
    scripted.enter(page, state)

    page.evaluate(AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="light")
        assert page.evaluate(RUN_AXE, EVERY_RULE) == [], f"{width} px, light"
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(RUN_AXE, COLOURS) == [], f"{width} px, dark"
        assert page.evaluate(SMALL_TARGETS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "1.4.10: reflow"
    for text, is_fragment in _html(answers):
        parser = html5lib.HTMLParser(strict=True)
        parser.parseFragment(text) if is_fragment else parser.parse(text)


def _html(answers: list[Any]) -> list[tuple[str, bool]]:
    """The last page that was loaded, and every fragment since."""
    html = [
        each
        for each in answers
        if each.headers.get("content-type", "").startswith("text/html") and each.status != 204
        if each.status < 400 or each.request.resource_type == "document"  # htmx swaps none in
    ]
    kinds = [each.request.resource_type for each in html]
    last = len(kinds) - 1 - kinds[::-1].index("document")
    return [(each.text(), each.request.resource_type != "document") for each in html[last:]]


FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const seen = getComputedStyle(one.closest(".choice") ?? one);
  const box = one.getBoundingClientRect();
  return {
    what: one.outerHTML.slice(0, 200),
    index: [...document.querySelectorAll("*")].indexOf(one),
    isMarked: seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) >= 2,
    isInView: box.bottom > 0 && box.top < innerHeight,
  };
}"""
REACHABLE = """() => [...document.querySelectorAll("*")]
  .map((each, index) => [each, index])
  .filter(([each]) => each.matches("a[href], button, input, select, summary, [tabindex='0']"))
  .filter(([each]) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility())
  .filter(([each]) => each.type !== "radio" && each.type !== "hidden")
  .map(([each, index]) => index)"""


BY_KEYBOARD = (
    *("shelf", "product", "cart-with-error", "checkout", "order-failed", "order-scan"),
    *("order-paid-everything", "taste", "book", "book-chapter", "console-order", "error-404"),
    *("till-code", "till-paid", "till-day"),
)


@pytest.mark.parametrize("name", BY_KEYBOARD)
def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(
    scripted: ScriptedShop, page: Page, name: str
) -> None:
    scripted.enter(page, BY_NAME[name])
    reached = []

    while True:
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None or focused["index"] in reached:
            break
        assert focused["isMarked"], focused["what"]
        assert focused["isInView"], focused["what"]
        reached.append(focused["index"])

    assert reached == sorted(reached), "the order is that of the page"
    assert set(page.evaluate(REACHABLE)) <= set(reached)


def test_the_first_stop_skips_to_the_content(scripted: ScriptedShop, page: Page) -> None:
    scripted.enter(page, BY_NAME["product"])

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="All goods")).to_be_focused()


def test_what_was_added_is_announced_and_the_focus_stays(
    scripted: ScriptedShop, page: Page
) -> None:
    scripted.enter(page, BY_NAME["product"])
    button = page.get_by_role("button", name="Add to cart")
    button.focus()

    page.keyboard.press("Enter")

    expect(page.locator("#added[aria-live=polite]")).to_contain_text("in your cart")
    expect(page.locator("#cart-badge")).to_have_accessible_name(re.compile("1 thing in it"))
    expect(button).to_be_focused()


SHELF = json.loads((ROOT / "catalogue" / "products.json").read_text("utf-8"))["products"]
COVERED = """() => {
  const seen = each => document.querySelector(each).getBoundingClientRect();
  const note = seen("#added"), button = seen("form.buy button");
  return {top: button.bottom - note.top, bottom: note.bottom - innerHeight, scrolled: scrollY};
}"""


@pytest.mark.parametrize("slug", [each["slug"] for each in SHELF])
def test_on_a_phone_what_was_added_is_seen_without_scrolling(
    scripted: ScriptedShop, page: Page, slug: str
) -> None:
    """And it covers nothing of the button above it."""
    with scripted.books.open(), transaction() as session:
        gone = update(Product).where(Product.slug == slug, Product.stock == 0)
        session.execute(gone.values(stock=1))  # by another test

    scripted.enter(page, State("", f"/products/{slug}", act=add_to_cart))

    covered = page.evaluate(COVERED)

    assert covered["scrolled"] == 0
    assert covered["bottom"] <= 0
    assert covered["top"] <= 0


def test_a_changed_quantity_is_announced_and_the_focus_stays(
    scripted: ScriptedShop, page: Page
) -> None:
    scripted.enter(page, State("", "/cart", cart={"candle": 1, "cookbook": 1}))
    quantity = page.get_by_label("Quantity of Kiln candle")
    quantity.focus()

    page.keyboard.press("ArrowUp")

    announcement = page.locator("#announcement[role=status]")
    expect(announcement).to_have_text(re.compile("Cart: 3 things,"))
    expect(quantity).to_be_focused()


def test_after_a_removal_the_focus_is_in_the_cart(scripted: ScriptedShop, page: Page) -> None:
    scripted.enter(page, State("", "/cart", cart={"candle": 1, "cookbook": 1}))
    page.get_by_role("button", name="Remove Kiln candle").focus()

    page.keyboard.press("Enter")

    expect(page.get_by_role("region", name="Cart")).to_be_focused()
    expect(page.locator("#announcement[role=status]")).to_have_text(re.compile("Cart: 1 thing,"))
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('#cart')")


def test_after_a_form_with_errors_the_focus_is_on_their_list(
    scripted: ScriptedShop, page: Page
) -> None:
    scripted.enter(page, BY_NAME["checkout-with-errors"])

    expect(page.locator("#errors[role=alert]")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()


def test_a_checkout_is_filled_in_and_sent_by_keyboard_alone(
    scripted: ScriptedShop, page: Page
) -> None:
    scripted.enter(page, State("", "/checkout", cart={"gift-card": 1}))
    page.get_by_label("Name").focus()

    page.keyboard.type("Ann Example")
    page.keyboard.press("Tab")
    page.keyboard.type("not an address")
    page.keyboard.press("Tab")  # to "Use a gift card"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # past "Change the cart"
    page.keyboard.press("Space")
    expect(page.get_by_role("radio").first).to_be_checked()
    page.keyboard.press("Enter")

    expect(page.locator("#errors")).to_contain_text("does not look like an e-mail address")
    expect(page.get_by_label("Name")).to_have_value("Ann Example")


def test_a_poll_of_the_waiting_page_leaves_the_focus_where_it_is(
    scripted: ScriptedShop, page: Page
) -> None:
    scripted.enter(page, State("", order()))
    link = page.get_by_role("link", name="Go on to MintCash’s page")
    link.focus()

    with page.expect_response("**/status?**"):
        pass
    with page.expect_response("**/status?**"):
        pass

    expect(link).to_be_focused()


def test_the_end_of_the_wait_is_announced_and_takes_no_focus(
    scripted: ScriptedShop, page: Page
) -> None:
    """J5."""
    known, path = scripted.place_order("candle")
    page.goto(scripted.url + path)
    page.get_by_role("link", name="Cart").focus()

    scripted.deliver(known, "succeeded")

    announcement = page.locator("#announcement[role=status]")
    expect(announcement).to_have_text("Thank you. Your order is paid.")
    expect(page.get_by_role("link", name="Cart")).to_be_focused()


@pytest.mark.parametrize("name", ["order-waiting", "product-added"])
def test_nothing_moves_for_who_does_not_want_it(
    scripted: ScriptedShop, page: Page, name: str
) -> None:
    moving = "() => document.getAnimations().filter(each => each.playState === 'running').length"
    page.emulate_media(reduced_motion="no-preference")
    scripted.enter(page, BY_NAME["order-waiting"])
    assert page.evaluate(moving) > 0

    page.emulate_media(reduced_motion="reduce")
    scripted.enter(page, BY_NAME[name])

    assert page.evaluate(moving) == 0
