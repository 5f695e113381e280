"""Light and dark: the device's wish, the shopper's choice, and nothing that flashes."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from .site import eventually
from .states import ScriptedShop

LIGHT, DARK = "rgb(244, 242, 238)", "rgb(27, 28, 26)"
Scheme = Literal["light", "dark"]


@pytest.fixture(params=[True, False], ids=["with_javascript", "without_javascript"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param, color_scheme="light")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def shows(page: Page, colour: str) -> None:
    expect(page.locator("body")).to_have_css("background-color", colour)


@pytest.mark.parametrize(("scheme", "colour"), [("light", LIGHT), ("dark", DARK)])
def test_at_first_the_theme_is_the_devices(
    scripted: ScriptedShop, page: Page, scheme: Scheme, colour: str
) -> None:
    page.emulate_media(color_scheme=scheme)

    page.goto(scripted.url)

    shows(page, colour)
    expect(page.get_by_role("button", name="As the device", pressed=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/products/candle", "/console", "/nowhere"])
def test_a_chosen_theme_lasts_on_every_page(scripted: ScriptedShop, page: Page, path: str) -> None:
    page.goto(scripted.url + path)

    page.get_by_role("button", name="Dark").click()

    shows(page, DARK)
    expect(page.get_by_role("button", name="Dark", pressed=True)).to_be_visible()
    page.goto(f"{scripted.url}/cart")
    shows(page, DARK)
    page.get_by_role("button", name="As the device").click()
    shows(page, LIGHT)


def test_the_chosen_theme_outlives_the_browser_session(scripted: ScriptedShop, page: Page) -> None:
    page.goto(scripted.url)

    page.get_by_role("button", name="Dark").click()
    shows(page, DARK)

    (cookie,) = [each for each in page.context.cookies() if each["name"] == "theme"]
    assert cookie["expires"] > 0
    assert cookie["httpOnly"]


def test_the_page_comes_in_the_chosen_theme_and_never_in_another(
    scripted: ScriptedShop, page: Page
) -> None:
    """No script decides it: the first byte of the page says it, so nothing can flash."""
    page.context.add_cookies([{"name": "theme", "value": "dark", "url": scripted.url}])

    answer = page.goto(scripted.url)

    assert answer
    assert '<html lang="en" data-theme="dark">' in answer.text()
    shows(page, DARK)


@pytest.mark.parametrize("page", [True], indirect=True, ids=["with_javascript"])
def test_a_new_theme_keeps_what_was_typed_and_the_focus(scripted: ScriptedShop, page: Page) -> None:
    page.goto(f"{scripted.url}/products/gift-card")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-badge")).to_contain_text("1")
    page.goto(f"{scripted.url}/checkout")
    page.get_by_label("Name").fill("Ann Example")
    dark = page.get_by_role("button", name="Dark")
    dark.focus()

    page.keyboard.press("Enter")

    shows(page, DARK)
    expect(page.get_by_label("Name")).to_have_value("Ann Example")
    expect(dark).to_be_focused()
    expect(dark).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("page", [True], indirect=True, ids=["with_javascript"])
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_pages_fade_into_each_other_where_motion_is_welcome(
    scripted: ScriptedShop, page: Page, motion: Literal["no-preference", "reduce"]
) -> None:
    page.emulate_media(reduced_motion=motion)
    page.add_init_script(
        "addEventListener('pagereveal', event => window.fades = event.viewTransition !== null)"
    )
    faded = set()

    for _ in range(5):  # a browser that is busy shows the page at once
        page.goto(scripted.url)
        page.get_by_role("link", name="Cart").click()
        page.wait_for_url("**/cart")
        eventually(lambda: page.evaluate("window.fades !== undefined"), "the page is shown")
        faded.add(page.evaluate("window.fades"))

    assert (True in faded) is (motion == "no-preference")
