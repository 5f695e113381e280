"""The shop of most attacks. Where bytes go into columns, a module asks for both databases."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

import config
from app import create_app
from providers import EXAMPLES
from tests import mintcash
from tests.books import Books
from tests.conftest import close, fresh_database
from tests.shopper import Shopper

from .attacked_shop import AttackedShop
from .senders import Sender
from .shop_with_a_purchase import ShopWithAPurchase, build


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own for this test, migrated, with the shelf filled."""
    return fresh_database(request.param, request, tmp_path)


@pytest.fixture
def attacked(app: Flask, sender: Sender) -> AttackedShop:
    return AttackedShop(app, sender)


@pytest.fixture(scope="module")
def _targets(
    _migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Sender], AttackedShop]]:
    shops: dict[str, AttackedShop] = {}

    def shop_of(sender: Sender) -> AttackedShop:
        if sender.name not in shops:
            folder = tmp_path_factory.mktemp("target")
            shutil.copy(_migrated_sqlite, folder / "shop.db")
            url = f"sqlite:///{folder}"
            settings = config.load(
                database_url=f"{url}/shop.db",
                jobs_url=f"{url}/jobs.db",
                providers_extra=",".join(EXAMPLES),
            )
            app = create_app(settings)
            shops[sender.name] = AttackedShop(app, sender)
        return shops[sender.name]

    yield shop_of
    for attacked in shops.values():
        close(attacked.app)


@pytest.fixture
def target(_targets: Callable[[Sender], AttackedShop], sender: Sender) -> AttackedShop:
    """One shop for all attacks of a module: they may change nothing, so they can share it."""
    attacked = _targets(sender)
    attacked.app.extensions["refusals"].storage.reset()
    return attacked


@pytest.fixture
def purchase(shopper: Shopper, mintcash_api: mintcash.Api, books: Books) -> ShopWithAPurchase:
    """A shop with an order, a letter and a download in it."""
    return build(shopper, mintcash_api, books)
