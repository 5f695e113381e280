"""The sandbox's front page on a phone, with everything on it unfolded."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from sandbox import config
from sandbox.app import create_app
from sandbox.models import db
from tests.sandbox.driver import HitPay, RequestNetwork, Sandbox, WiPay, served
from tools.run import free_port


@pytest.mark.parametrize("width", [320, 390])
def test_the_front_page_is_as_wide_as_the_phone(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    """WCAG 1.4.10: nothing is read by scrolling sideways, whatever ids the payments have."""
    address = f"http://localhost:{free_port()}"  # as the clients below call it
    settings = config.load(
        sandbox_url=address,
        sandbox_database_url=f"sqlite:///{tmp_path}/sandbox.db",
        sandbox_deliver=False,
    )
    app = create_app(settings)
    for provider in (Sandbox(app), HitPay(app), WiPay(app), RequestNetwork(app)):
        changes = {"order_id": "9" * 48} if isinstance(provider, WiPay) else {}
        provider.pay(provider.payment(**changes))
    with served(address, app), browser.new_context() as context:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 700})
        page.goto(address)
        for summary in page.locator("summary").all():
            summary.click()

        assert page.evaluate("document.documentElement.scrollWidth") == width
    with app.app_context():
        db.engine.dispose()
