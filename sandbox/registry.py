"""The providers: a folder and a line each, in the order in which pages name them."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from .kit import Provider

FOLDERS = ("mintcash", "hitpay", "handcash", "wipay")


def _load(folder: str) -> Provider[Any]:
    """Import every module of the folder, since each adds its routes; ``provider`` stands in the
    folder's ``__init__.py``.
    """
    package = import_module(f"{__package__}.{folder}")
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    provider: Provider[Any] = package.provider
    return provider


PROVIDERS = {folder: _load(folder) for folder in FOLDERS}


def _old(
    main: Any, parts: Any, open_in: Any, actions: Any = (), cannot: Any = (), **more: Any
) -> None:
    from . import old

    made: Provider[Any] = Provider(
        main.NAME,
        main.TITLE,
        settings=old.OldSettings,
        assumptions=main.ASSUMPTIONS,
        open_in=open_in,
        envelope=lambda error: {"message": error.message},
        errors={404: {"message": "Not found"}},
        cannot=cannot,
        **more,
    )
    made.blueprints = [part.bp for part in parts]
    made.actions = actions
    made.on_timer, made.taken = main.timer_rang, main.taken
    PROVIDERS[main.NAME] = made


def _load_old() -> None:
    from . import (
        request_network,
        request_network_chain,
        request_network_page,
    )

    _old(
        request_network,
        (request_network, request_network_page),
        ("pending",),
        request_network_chain.ACTIONS,
        counts_retries_in="x-request-network-retry-count",
    )


_load_old()
