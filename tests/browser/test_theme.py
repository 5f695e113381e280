"""Light and dark: the device's wish, the shopper's choice, and nothing that flashes."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from .site import eventually
from .states import Stage

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
    stage: Stage, page: Page, scheme: Scheme, colour: str
) -> None:
    page.emulate_media(color_scheme=scheme)

    page.goto(stage.url)

    shows(page, colour)
    expect(page.get_by_role("button", name="As the device", pressed=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/products/candle", "/console", "/nowhere"])
def test_a_chosen_theme_lasts_on_every_page(stage: Stage, page: Page, path: str) -> None:
    page.goto(stage.url + path)

    page.get_by_role("button", name="Dark").click()

    shows(page, DARK)
    expect(page.get_by_role("button", name="Dark", pressed=True)).to_be_visible()
    page.goto(f"{stage.url}/cart")
    shows(page, DARK)
    page.get_by_role("button", name="As the device").click()
    shows(page, LIGHT)


def test_the_chosen_theme_outlives_the_browser_session(stage: Stage, page: Page) -> None:
    page.goto(stage.url)

    page.get_by_role("button", name="Dark").click()
    shows(page, DARK)

    (cookie,) = [each for each in page.context.cookies() if each["name"] == "theme"]
    assert cookie["expires"] > 0
    assert cookie["httpOnly"]


def test_the_page_comes_in_the_chosen_theme_and_never_in_another(stage: Stage, page: Page) -> None:
    """No script decides it: the first byte of the page says it, so nothing can flash."""
    page.context.add_cookies([{"name": "theme", "value": "dark", "url": stage.url}])

    answer = page.goto(stage.url)

    assert answer
    assert '<html lang="en" data-theme="dark">' in answer.text()
    shows(page, DARK)


@pytest.mark.parametrize("page", [True], indirect=True, ids=["with_javascript"])
def test_a_new_theme_keeps_what_was_typed_and_the_focus(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.url}/products/gift-card")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-badge")).to_contain_text("1")
    page.goto(f"{stage.url}/checkout")
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
    stage: Stage, page: Page, motion: Literal["no-preference", "reduce"]
) -> None:
    page.emulate_media(reduced_motion=motion)
    page.add_init_script(
        "addEventListener('pagereveal', event => window.fades = event.viewTransition !== null)"
    )
    page.goto(stage.url)

    page.get_by_role("link", name="Cart").click()

    page.wait_for_url("**/cart")
    eventually(lambda: page.evaluate("window.fades !== undefined"), "the page is shown")
    assert page.evaluate("window.fades") is (motion == "no-preference")
