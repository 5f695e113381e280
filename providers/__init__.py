"""How each payment provider is spoken to: a folder each, all to the contract in ``contract.py``.

Nothing here knows Flask, the database or the shop; a provider's folder can be copied whole, with
the modules beside it that it imports.
"""

from importlib import import_module
from typing import Any, cast

from .contract import Configured, Provider
from .missing import MissingPart
from .settings import DeclaresSettings, SettingsError

#: A provider is a folder of this name, and a line here. The name stands in URLs and settings, too.
FOLDERS = (
    "mintcash",
    "hitpay",
    "wipay",
    "handcash",
    "request_network",
)
#: Examples to copy from: offered only where the setting PROVIDERS_EXTRA names them.
EXAMPLES: tuple[str, ...] = ("mollie", "stripe")


def load(name: str) -> Provider:
    """A provider's lesson, ``providers/<name>/__init__.py``.

    :raise MissingPart: "there is no folder providers/acme".
    """
    try:
        return cast(Provider, import_module(f"{__name__}.{name}"))
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise MissingPart(f"there is no folder providers/{name}") from None


PROVIDERS = {name: load(name) for name in (*FOLDERS, *EXAMPLES)}


def declared_settings() -> dict[str, DeclaresSettings]:
    """Each provider's ``settings.py``, by its name.

    :raise MissingPart: "providers/acme has no settings.py".
    """
    return {name: _settings_of(name, module) for name, module in PROVIDERS.items()}


def configured_providers(settings: Any) -> dict[str, Configured]:
    """The providers whose settings are there, by name, in the order of :data:`PROVIDERS`.

    A provider without its settings is not offered, and has no webhook route; nor is an example
    that PROVIDERS_EXTRA does not name. ``settings`` holds what all of them declare.

    :raise SettingsError: settings that do not go together, a line for each provider.
    """
    accounts, problems = {}, []
    for unknown in sorted(set(settings.providers_extra) - set(EXAMPLES)):
        there = ", ".join(EXAMPLES) or "none"
        problems.append(f"PROVIDERS_EXTRA names {unknown}: the examples are {there}")
    for name, declared in declared_settings().items():
        if name in EXAMPLES and name not in settings.providers_extra:
            continue
        try:
            accounts[name] = declared.account(settings)
        except SettingsError as problem:
            problems.append(str(problem))
            continue
        if name in EXAMPLES and not accounts[name]:
            needs = (" or ".join(need).upper() for need in declared.NEEDS)
            problems.append(f"PROVIDERS_EXTRA names {name}, which needs {' and '.join(needs)}")
    if problems:
        raise SettingsError("\n".join(problems))
    found = {
        name: Configured(PROVIDERS[name], account) for name, account in accounts.items() if account
    }
    for each in found.values():
        each.capabilities  # noqa: B018 - what a lesson lacks is said at start, not to a shopper
    return found


def _settings_of(name: str, module: Any) -> DeclaresSettings:
    for part in _parts(Provider):
        if not hasattr(module, part):
            raise MissingPart(f"providers/{name} has no {part}()")
    try:
        found = import_module(f"{module.__name__}.settings")
    except ModuleNotFoundError as error:
        if error.name != f"{module.__name__}.settings":
            raise
        raise MissingPart(f"providers/{name} has no settings.py") from None
    for part in _parts(DeclaresSettings):
        if not hasattr(found, part):
            raise MissingPart(f"providers/{name}/settings.py has no {part}")
    return cast(DeclaresSettings, found)


def _parts(contract: type) -> list[str]:
    """What a protocol asks for, in its order."""
    names = [*contract.__annotations__, *vars(contract)]
    return [name for name in names if not name.startswith("_")]
