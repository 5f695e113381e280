"""Ways to pay beside a plain page, and what becomes of the pages that nobody needs any more."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import config
from app import create_app

from . import sandboxed
from .conftest import close
from .sandboxed import HITPAY, World

OpenWorld = Callable[..., World]


@pytest.fixture
def open_world(settings: config.Settings, tmp_path: Path) -> Iterator[OpenWorld]:
    """A shop with these settings, and the sandbox behind it."""
    with ExitStack() as stack:

        def start(**changes: Any) -> World:
            app = create_app(settings.model_copy(update=changes))
            stack.callback(close, app)
            return stack.enter_context(sandboxed.world(app, tmp_path))

        yield start


@pytest.fixture
def world(open_world: OpenWorld) -> World:
    return open_world()


def test_hitpays_page_is_paid(world: World) -> None:
    world.check_out("hitpay")

    world.press(world.url, **HITPAY)
    world.work()

    assert world.state == "paid"
