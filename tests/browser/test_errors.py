"""What the shopper is told when an answer to htmx is an error, or there is none."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from .states import ScriptedShop, State, order

CART = State("errors", "/cart", cart={"candle": 2})
BUSY = "The shop is very busy"


@pytest.fixture(name="page")
def _page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def answer(status: int) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body="no")


def hang_up(route: Route) -> None:
    route.abort("connectionfailed")


def change_quantity(page: Page) -> None:
    page.get_by_label("Quantity of Kiln candle").fill("3")
    page.keyboard.press("Tab")


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        pytest.param(answer(400), "This page is too old", id="400"),
        pytest.param(answer(403), "That did not work", id="403"),
        pytest.param(answer(404), "This is not there any more", id="404"),
        pytest.param(answer(413), "That did not work", id="413"),
        pytest.param(answer(429), "Slowly, please", id="429"),
        pytest.param(answer(500), "Something broke on our side", id="500"),
        pytest.param(answer(502), "Something broke on our side", id="502"),
        pytest.param(answer(503), BUSY, id="503"),
        pytest.param(hang_up, "The shop does not answer", id="offline"),
    ],
)
def test_a_button_whose_answer_is_an_error_says_so_and_the_field_shows_what_is_true(
    scripted: ScriptedShop, page: Page, failure: Callable[[Route], None], sentence: str
) -> None:
    """S10: htmx swaps nothing then, and nothing listened."""
    scripted.enter(page, CART)
    page.route("**/cart/items/candle", failure)

    change_quantity(page)

    expect(page.get_by_role("alert")).to_contain_text(sentence)
    expect(page.get_by_label("Quantity of Kiln candle")).to_have_value("2")
    expect(page.locator("#cart-total")).to_have_text("US$56.00")

    page.unroute("**/cart/items/candle")
    change_quantity(page)

    expect(page.locator("#cart-total")).to_have_text("US$84.00")
    expect(page.locator("#trouble")).to_be_empty()


def test_a_button_pressed_after_the_cookies_are_gone_says_that_the_page_is_old(
    scripted: ScriptedShop, page: Page
) -> None:
    """S10: the token of the form belongs to no session, so the shop itself answers 400."""
    scripted.enter(page, CART)
    page.context.clear_cookies()

    change_quantity(page)

    expect(page.get_by_role("alert")).to_contain_text("reload it, and try again")
    expect(page.get_by_label("Quantity of Kiln candle")).to_have_value("2")


def test_a_shop_that_never_answers_is_not_waited_for_without_end(
    scripted: ScriptedShop, page: Page
) -> None:
    """S10."""
    scripted.enter(page, CART)
    assert page.evaluate("htmx.config.timeout") == 30_000
    page.evaluate("htmx.config.timeout = 200")
    page.route("**/cart/items/candle", lambda route: None)

    change_quantity(page)

    expect(page.get_by_role("alert")).to_contain_text("The shop does not answer")


def test_what_was_typed_to_be_added_is_kept(scripted: ScriptedShop, page: Page) -> None:
    """S10: such a field mirrors nothing, and the button can be pressed again."""
    scripted.enter(page, State("", "/products/candle"))
    page.route("**/cart/items", answer(503))
    page.get_by_label(re.compile("Quantity|How many")).fill("3")

    page.get_by_role("button", name="Add to cart").click()

    expect(page.get_by_role("alert")).to_contain_text(BUSY)
    expect(page.get_by_label(re.compile("Quantity|How many"))).to_have_value("3")


def test_a_currency_that_could_not_be_chosen_is_not_shown_as_chosen(
    scripted: ScriptedShop, page: Page
) -> None:
    """S10."""
    scripted.enter(page, State("", "/products/candle"))
    page.route("**/currency", hang_up)

    page.get_by_label("Currency").select_option("EUR")

    expect(page.get_by_role("alert")).to_contain_text("The shop does not answer")
    expect(page.get_by_label("Currency")).to_have_value("USD")


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(answer(429), id="429"),
        pytest.param(answer(503), id="503"),
        pytest.param(hang_up, id="offline"),
    ],
)
def test_a_poll_that_fails_is_said_and_followed_by_another(
    scripted: ScriptedShop, page: Page, failure: Callable[[Route], None]
) -> None:
    """S10: the page waited in silence; the sentence goes when the shop answers again."""
    known, path = scripted.place_order("candle")
    page.goto(scripted.url + path)
    page.route("**/status?**", failure)

    for _ in range(2):
        with page.expect_request("**/status?**"):
            pass
    expect(page.get_by_role("alert")).to_contain_text("This page keeps asking")
    expect(page.locator("[data-state=waiting]")).to_be_visible()

    page.unroute("**/status?**")
    scripted.deliver(known, "succeeded")

    expect(page.locator("[data-state=paid]")).to_be_visible(timeout=20_000)
    expect(page.locator("#trouble")).to_be_empty()


def test_a_poll_that_works_does_not_take_away_the_word_about_a_button(
    scripted: ScriptedShop, page: Page
) -> None:
    """S10."""
    scripted.enter(page, State("", order()))
    page.route("**/theme", answer(503))
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("alert")).to_contain_text(BUSY)

    with page.expect_response("**/status?**"):
        pass
    with page.expect_response("**/status?**"):
        pass

    expect(page.get_by_role("alert")).to_contain_text(BUSY)


def test_the_title_of_a_tab_in_the_background_follows_the_payment(
    scripted: ScriptedShop, page: Page
) -> None:
    """Under the shop's own policy, which allows no inline script."""
    known, path = scripted.place_order("candle")
    page.goto(scripted.url + path)
    expect(page).to_have_title(re.compile("^Confirming your payment: order KK-"))

    scripted.deliver(known, "succeeded")

    expect(page).to_have_title(re.compile("^Paid: order KK-.*, Kiln & Kettle$"))
    assert page.locator("body title").count() == 0
