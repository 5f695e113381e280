"""Fixtures: a sandbox whose clock stands still and whose work is done by hand, and a shop."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import config
from sandbox.app import create_app
from sandbox.models import db

from .driver import HitPay, Receiver, RequestNetwork, Sandbox, WiPay, receiver

StartSandbox = Callable[..., Sandbox]


@pytest.fixture(scope="session", autouse=True)
def _no_sandbox_settings_of_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in config.Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        patch.setitem(config.Settings.model_config, "env_file", None)
        yield


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as shop:
        yield shop


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once and copied for each test."""
    path = tmp_path_factory.mktemp("empty") / "sandbox.db"
    url = f"sqlite:///{path}"
    app = create_app(config.load(sandbox_database_url=url, sandbox_deliver=False))
    with app.app_context():
        db.engine.dispose()
    return path


@pytest.fixture
def start_sandbox(tmp_path: Path, shop: Receiver, _empty_database: Path) -> Iterator[StartSandbox]:
    """Start a sandbox with other settings than the usual ones; again for a restart."""
    apps = []
    path = Path(shutil.copy(_empty_database, tmp_path / "sandbox.db"))

    def start(**settings: Any) -> Sandbox:
        defaults = {
            "sandbox_url": "http://localhost",
            "sandbox_database_url": f"sqlite:///{path}",
            "sandbox_clock_speed": 0,
            "sandbox_deliver": False,
            "sandbox_hang_seconds": 0,
            "mintcash_webhook_url": shop.url,
            "wipay_webhook_url": shop.url,
            "hitpay_webhook_url": shop.url,
            "request_network_webhook_url": shop.url,
        }
        apps.append(create_app(config.load(**defaults | settings)))
        return Sandbox(apps[-1])

    yield start
    shop.gate.set()
    for app in apps:
        if app.config["SANDBOX"].sandbox_deliver:
            app.extensions["background"].stop()
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    return start_sandbox()


@pytest.fixture
def hitpay(start_sandbox: StartSandbox) -> HitPay:
    return HitPay(start_sandbox().app)


@pytest.fixture
def wipay(start_sandbox: StartSandbox) -> WiPay:
    return WiPay(start_sandbox().app)


@pytest.fixture
def request_network(start_sandbox: StartSandbox) -> RequestNetwork:
    return RequestNetwork(start_sandbox().app)
