"""Fixtures that every test may use: a shop on SQLite and on PostgreSQL, and a shopper."""

import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask_migrate import upgrade
from pydantic import SecretStr
from sqlalchemy import bindparam
from werkzeug.test import TestResponse

import config
import database
from app import create_app
from catalogue import fill_shelf
from database import db

from . import mintcash, postgres, purchases, redis_server, sandboxed
from .books import Books
from .groups import NOT_QUICK, GroupScheduling, is_quick
from .sandboxed import ShopAndSandbox
from .shopper import Shopper
from .slow_servers import say_nothing, server
from .speed import compiled_routes, compiled_statements, compiled_templates
from .speed import settings_of_sandbox as settings_of_sandbox

BASE_URL = "http://127.0.0.1:5000"
REAL_CLOCKS = dict(database.CLOCKS)
OpenShop = Callable[..., ShopAndSandbox]
MakeApp = Callable[..., Flask]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="the shop's own tests, on SQLite only")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files that hold nothing quick are not even imported: some need what is not installed."""
    path = collection_path.relative_to(config.rootpath).as_posix()
    left_out = config.getoption("quick") and f"{path}/".startswith(NOT_QUICK)
    return left_out or None  # None: pytest decides


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("quick"):
        others = [item for item in items if not is_quick(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if is_quick(item)]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_this_machine() -> Iterator[None]:
    """A developer's environment and .env must not change the outcome."""
    with pytest.MonkeyPatch.context() as patch:
        for name in config.Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        patch.setitem(config.Settings.model_config, "env_file", None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _databases_go_by_the_clock_of_the_test() -> Iterator[None]:
    """time_machine moves the databases' clocks, too; test_clocks.py lets the two disagree."""
    told = bindparam("told", callable_=database.now, type_=database.UtcDateTime())
    with pytest.MonkeyPatch.context() as patch:
        for dialect in database.CLOCKS:
            patch.setitem(database.CLOCKS, dialect, told)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_compiled_twice() -> Iterator[None]:
    """See ``speed.py``."""
    with compiled_templates(), compiled_routes(), compiled_statements():
        yield


@pytest.fixture(scope="session", autouse=True)
def _servers_in_this_process_are_quiet() -> None:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server.server() as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "shop.db"
    _migrate(f"sqlite:///{path}", path.parent)
    return path


@pytest.fixture(scope="session")
def _migrated_postgres(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with postgres.database(postgres_server, f"test_{uuid.uuid4().hex[:8]}") as url:
        _migrate(url, tmp_path_factory.mktemp("migrated"))
        postgres.remember(url)
        yield url


def _migrate(database_url: str, folder: Path) -> None:
    app = create_app(config.load(database_url=database_url, jobs_url=f"sqlite:///{folder}/jobs.db"))
    with app.app_context():
        upgrade()
        fill_shelf()
    close(app)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own for this test, migrated, with the shelf filled."""
    return fresh_database(request.param, request, tmp_path)


def fresh_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("_migrated_sqlite"), folder / "shop.db")
        return f"sqlite:///{folder}/shop.db"
    url: str = request.getfixturevalue("_migrated_postgres")
    postgres.restore(url)
    return url


@pytest.fixture
def on_sqlite(database_url: str) -> bool:
    return database_url.startswith("sqlite")


@pytest.fixture
def jobs_url(tmp_path: Path) -> str:
    """A queue of its own for this test; test_engines.py has the other engines."""
    return f"sqlite:///{tmp_path}/jobs.db"


@pytest.fixture
def settings(
    settings_of_sandbox: config.Settings, database_url: str, jobs_url: str
) -> config.Settings:
    """Those of the sandbox, with databases of this test's own."""
    urls = {"database_url": SecretStr(database_url), "jobs_url": SecretStr(jobs_url)}
    return settings_of_sandbox.model_copy(update=urls)


@pytest.fixture
def app(settings: config.Settings) -> Iterator[Flask]:
    """The shop, configured for the sandbox; no sandbox runs unless a test starts one."""
    app = create_app(settings)
    yield app
    close(app)


@pytest.fixture
def make_app(database_url: str, jobs_url: str) -> Iterator[MakeApp]:
    """The shop for the sandbox, with these settings changed, as the environment would say them."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Flask:
            urls = {"database_url": database_url, "jobs_url": jobs_url}
            app = create_app(config.load(**urls, **changes))
            stack.callback(close, app)
            return app

        yield make


def close(app: Flask) -> None:
    """Close the connections to the database and the queue."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    app.extensions["queue"].engine.storage.close()


@pytest.fixture
def shopper(app: Flask) -> Shopper:
    """A browser without JavaScript at the shop's address."""
    return Shopper(app)


@pytest.fixture
def mintcash_api() -> Iterator[mintcash.Api]:
    """MintCash's API, imitated inside this process."""
    with mintcash.api() as api:
        yield api


@pytest.fixture
def books(app: Flask) -> Books:
    """Reads rows, and places orders without a shopper."""
    return Books(app)


@pytest.fixture
def open_shop(settings: config.Settings, tmp_path: Path) -> Iterator[OpenShop]:
    """Open a shop with these settings, and the sandbox behind it."""
    with ExitStack() as stack:

        def start(**changes: Any) -> ShopAndSandbox:
            app = create_app(settings.model_copy(update=changes))
            stack.callback(close, app)
            return stack.enter_context(sandboxed.shop_and_sandbox(app, tmp_path))

        yield start


@pytest.fixture
def shop(open_shop: OpenShop) -> ShopAndSandbox:
    return open_shop()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is shifted."""
    with time_machine.travel(database.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def bought(shopper: Shopper, mintcash_api: mintcash.Api) -> TestResponse:
    """One of each kind of product, checked out: the shopper is on the payment page."""
    for slug, quantity in purchases.ONE_OF_EACH.items():
        shopper.add(slug, quantity)
    answer = shopper.check_out()
    assert answer.status_code == 303
    return answer


@pytest.fixture
def paid(app: Flask, books: Books) -> dict[str, Any]:
    """The payment of an order for one of each, just paid: four tasks wait in the outbox."""
    (payment,) = books.place_order(purchases.ONE_OF_EACH)
    purchases.pay(app, payment)
    assert [task.kind for task in books.tasks] == purchases.TASKS
    return payment


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a server that takes every connection and says nothing."""
    with server(say_nothing) as address:
        yield address
