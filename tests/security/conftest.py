"""The stage of most attacks. Where bytes go into columns, a module asks for both databases."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

import config
from app import create_app
from tests import mintcash
from tests.books import Books
from tests.conftest import close, fresh_database
from tests.shopper import Shopper

from .senders import Sender
from .stage import Stage
from .town import Town, build


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own for this test, migrated, with the shelf filled."""
    return fresh_database(request.param, request, tmp_path)


@pytest.fixture
def stage(app: Flask, sender: Sender) -> Stage:
    return Stage(app, sender)


@pytest.fixture(scope="module")
def _targets(
    _migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Sender], Stage]]:
    stages: dict[str, Stage] = {}

    def stage_of(sender: Sender) -> Stage:
        if sender.name not in stages:
            folder = tmp_path_factory.mktemp("target")
            shutil.copy(_migrated_sqlite, folder / "shop.db")
            url = f"sqlite:///{folder}"
            app = create_app(config.load(database_url=f"{url}/shop.db", jobs_url=f"{url}/jobs.db"))
            stages[sender.name] = Stage(app, sender)
        return stages[sender.name]

    yield stage_of
    for stage in stages.values():
        close(stage.app)


@pytest.fixture
def target(_targets: Callable[[Sender], Stage], sender: Sender) -> Stage:
    """One shop for all attacks of a module: they may change nothing, so they can share it."""
    stage = _targets(sender)
    stage.app.extensions["refusals"].storage.reset()
    return stage


@pytest.fixture
def town(shopper: Shopper, mintcash_api: mintcash.Api, books: Books) -> Town:
    """A shop with an order, a letter and a download in it."""
    return build(shopper, mintcash_api, books)
