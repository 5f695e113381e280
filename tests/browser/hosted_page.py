"""What a shopper types and presses on a provider's page, as the provider's case says."""

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.providers.case import HostedPage


def fill_in(page: Page | FrameLocator, typed: dict[str, str]) -> None:
    """Type into the fields of these names; those of another form of the page are not there yet."""
    for name, text in typed.items():
        field = page.locator(f"input[name={name}], select[name={name}]").first
        if not field.is_visible():
            continue
        kind = field.evaluate("field => field.type")
        if kind == "radio":
            page.locator(f"input[name={name}][value='{text}']").check()
        elif kind == "select-one":
            field.select_option(text)
        else:
            field.fill(text)


def pay(page: Page | FrameLocator, hosted: HostedPage, typed: dict[str, str] | None = None) -> None:
    """With what pays, unless something else is typed; from the first button to the shop."""
    press(page, hosted.buttons, hosted.pays if typed is None else typed)
    if isinstance(page, Page):
        go_back(page, hosted)


def press(page: Page | FrameLocator, buttons: tuple[str, ...], typed: dict[str, str]) -> None:
    for name in buttons:
        button = page.get_by_role("button", name=name).first
        expect(button).to_be_visible()
        fill_in(page, typed)
        _named(page, typed, button).click()


def _named(page: Page | FrameLocator, typed: dict[str, str], button: Locator) -> Locator:
    """The button that stands for a value, where each ending has its own; else the one given."""
    for name, text in typed.items():
        own = page.locator(f"button[name={name}][value='{text}']")
        if own.count():
            return own
    return button


def go_back(page: Page, hosted: HostedPage) -> None:
    """By the link of a page that leads back by a link only; a closed tab has none."""
    if not hosted.back_link:
        return
    back = page.get_by_role("link", name=hosted.back_link)
    expect(back).to_be_visible()
    if page.get_by_text("Imagine the tab was closed").count() == 0:
        back.click()
