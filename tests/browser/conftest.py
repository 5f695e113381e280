"""Shop, sandbox and worker as they really run, and a real browser in front of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from providers import EXAMPLES
from tools.run import ROOT, free_port

from .chromium import browser
from .customer import Customer
from .site import Site
from .states import ScriptedShop, scripted_shop


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Site]:
    """Everything that ``make run`` starts, on free ports, with fresh databases."""
    site = Site(shop=f"http://127.0.0.1:{free_port()}", sandbox=f"http://127.0.0.1:{free_port()}")
    environment = {
        "PATH": os.environ["PATH"],
        "PROVIDERS_EXTRA": ",".join(EXAMPLES),
        "BASE_URL": site.shop,
        "SANDBOX_URL": site.sandbox,
        "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "JOBS_URL": f"sqlite:///{folder}/jobs.db",
        "SANDBOX_DATABASE_URL": f"sqlite:///{folder}/sandbox.db",
        **settings,
    }
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        assert process.stdout
        with process.stdout as said:
            for line in said:
                if "Ctrl-C" in line:
                    break
            else:
                pytest.fail(f"the shop ended: {log.read_text()}")
            yield site
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="session", name="scripted")
def _scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedShop]:
    """A shop whose pages can be put into every state."""
    with scripted_shop(tmp_path_factory.mktemp("scripted")) as found:
        yield found


@pytest.fixture(scope="session", name="browser")
def _browser() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def customer(
    site: Site, browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Customer]:
    """A shopper on a phone, with an empty cart. The page may break no rule of its own CSP."""
    options: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(viewport={"width": 390, "height": 844}, **options)
    context.set_default_timeout(20_000)
    page = context.new_page()
    customer = Customer(site, page)
    _listen(page, customer.complaints)
    yield customer
    context.close()
    assert customer.complaints == []


#: A browser that is too busy shows the next page at once; that is no fault of the page.
NO_FADE = "Transition was aborted"


def _listen(page: Page, complaints: list[str]) -> None:
    def complain(error: Error) -> None:
        if not str(error).startswith(NO_FADE):
            complaints.append(str(error))

    page.on("pageerror", complain)
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
