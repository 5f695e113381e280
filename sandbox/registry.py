"""The providers: a folder and a line each, in the order in which pages name them."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from .kit import Provider

FOLDERS = (
    "mintcash",
    "hitpay",
    "handcash",
    "wipay",
    "request_network",
    "mollie",
    "stripe",
)


def _load(folder: str) -> Provider[Any]:
    """Import every module of the folder, since each may add routes.

    :return: ``provider``, which stands in the folder's ``__init__.py``.
    """
    package = import_module(f"{__package__}.{folder}")
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    provider: Provider[Any] = package.provider
    return provider


PROVIDERS = {folder: _load(folder) for folder in FOLDERS}
