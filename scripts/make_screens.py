"""Take a picture of every page in every state: on a phone and at a desk, light and dark.

Usage: make screens

They are written to build/screens/, as shelf-phone-light.png. With --docs, those that the README
shows are also renewed in docs/, small.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser import chromium  # noqa: E402
from tests.browser.states import STATES, ScriptedShop, State, scripted_shop  # noqa: E402

SCREENS = ROOT / "build" / "screens"
SIZES = {"phone": (390, 844), "desk": (1440, 900)}  # pixels
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: For the README: the top of the page as a phone shows it.
DOCS = (
    "shelf-phone-light",
    "product-phone-dark",
    "order-waiting-phone-light",
    "order-paid-everything-phone-dark",
)

#: Those further down the page are lazy.
LOAD_PICTURES = """() => Promise.all([...document.images].map(each => {
  each.loading = "eager";
  return each.decode();
}))"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--docs", action="store_true", help="also renew the README's pictures")
    parser.add_argument("states", nargs="*", help="only these; default: all")
    arguments = parser.parse_args()
    chosen = [each for each in STATES if not arguments.states or each.name in arguments.states]
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    SCREENS.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        scripted_shop(Path(folder)) as shop,
        chromium.browser() as browser,
    ):
        page = browser.new_context(reduced_motion="reduce").new_page()
        for state in chosen:
            take(page, shop, state)
    if arguments.docs:
        for name in DOCS:
            shrink(name)
    sys.stdout.write(f"{len(chosen) * len(SIZES) * len(THEMES)} pictures in {SCREENS}.\n")
    return 0


def take(page: Page, shop: ScriptedShop, state: State) -> None:
    """All pictures of one state."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        shop.enter(page, state)
        page.evaluate(LOAD_PICTURES)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=SCREENS / f"{state.name}-{size}-{theme}.png", full_page=True)


def shrink(name: str) -> None:
    """A screen as the README shows it: what a phone shows before scrolling."""
    with Image.open(SCREENS / f"{name}.png") as screen:
        top = screen.convert("RGB").crop((0, 0, *SIZES["phone"]))
        top.save(ROOT / "docs" / f"{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    sys.exit(main())
