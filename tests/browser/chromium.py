"""Which Chromium shows the pages: the system's, or the one that Playwright has downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

#: The first is the same browser without windows, and needs half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
#: What Chromium tries on its own has no place in a test.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
AS_ROOT = ("--no-sandbox",) * (os.geteuid() == 0)


def installed() -> str | None:
    """The system's; None: leave it to Playwright."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed(), args=[*QUIET, *AS_ROOT])
        yield chromium
        chromium.close()
