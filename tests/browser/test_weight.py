"""What a first visit loads, and that nothing moves while it arrives."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from .states import STATES, ScriptedShop

BY_NAME = {state.name: state for state in STATES}
PAGES = ("shelf", "product", "cart", "checkout", "order-waiting", "order-paid-everything")

#: Bytes as they travel, each with its header. The page comes in about 60 kB, half of it the font.
MOST_HTML = 8_000
MOST_WITHOUT_PICTURES = 70_000
LOADED = """() => [
  ...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource"),
].map(each => [new URL(each.name).pathname, each.transferSize])"""

#: Resolves to what has moved since the page began, when its font has come and is drawn.
SHIFTS = """async () => {
  await document.fonts.ready;
  await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return new Promise(found => {
    const moved = [];
    const observer = new PerformanceObserver(list => {
      for (const each of list.getEntries()) {
        if (each.entryType === "mark") found(moved);
        else moved.push([each.value, ...each.sources.map(source => source.node?.nodeName)]);
      }
    });
    observer.observe({type: "layout-shift", buffered: true});
    observer.observe({type: "mark"});
    performance.mark("asked");
  });
}"""


@pytest.fixture
def page(browser: Browser, width: int) -> Iterator[Page]:
    """A browser that has seen no page of this shop."""
    context = browser.new_context(viewport={"width": width, "height": 844})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("width", [390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_without_its_pictures(
    scripted: ScriptedShop, page: Page, name: str
) -> None:
    scripted.enter(page, BY_NAME[name])

    loaded = dict(page.evaluate(LOADED))

    (html, *_) = loaded.values()
    needed = {path: size for path, size in loaded.items() if "/products/" not in path}
    assert html <= MOST_HTML
    assert sum(needed.values()) <= MOST_WITHOUT_PICTURES, needed
    assert len([path for path in needed if path.endswith(".css")]) == 1


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_when_the_font_comes_late(
    scripted: ScriptedShop, page: Page, name: str
) -> None:
    """As over a slow line: the page is painted before the font is here."""
    held = []

    def hold(route: Route) -> None:
        held.append(route.request.url)
        time.sleep(0.3)
        route.continue_()

    page.route("**/fonts/*", hold)

    scripted.enter(page, BY_NAME[name])

    assert page.evaluate(SHIFTS) == []
    assert len(held) == 1
