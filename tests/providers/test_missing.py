"""A folder that lacks a part of the contract stops the start-up, and says which part it is."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import config
import providers
from providers import EXAMPLES, configured_providers, declared_settings, load
from providers.missing import MissingPart

from ..live import SHOP

LESSON = """
def capabilities(account): ...
def start_checkout(account, payment, urls): ...
def read_webhook(account, headers, body): ...
def fetch_payment(account, payment): ...
"""
SETTINGS = """
from providers.settings import ProviderSettings as Settings
SUMMARY = NEEDS = LIVE_APIS = ()
def account(settings): ...
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a provider that is complete."""
    folder = tmp_path / "acme_pay"
    folder.mkdir()
    (folder / "__init__.py").write_text(LESSON)
    (folder / "settings.py").write_text(SETTINGS)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def declared(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name in [name for name in sys.modules if name.startswith("acme_pay")]:
        monkeypatch.delitem(sys.modules, name)
    import acme_pay  # type: ignore[import-not-found]

    monkeypatch.setitem(providers.PROVIDERS, "acme", acme_pay)
    return declared_settings()["acme"]  # type: ignore[return-value]


def test_a_folder_with_all_its_parts_is_taken(acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    assert declared(monkeypatch).NEEDS == ()


def test_a_folder_without_settings_is_named(acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (acme / "settings.py").unlink()

    with pytest.raises(MissingPart, match=r"^providers/acme has no settings\.py$"):
        declared(monkeypatch)


@pytest.mark.parametrize(
    "part", ["capabilities", "start_checkout", "read_webhook", "fetch_payment"]
)
def test_a_lesson_without_one_of_the_four_functions_is_named(
    acme: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (acme / "__init__.py").write_text(LESSON.replace(f"def {part}", "def other"))

    with pytest.raises(MissingPart, match=rf"^providers/acme has no {part}\(\)$"):
        declared(monkeypatch)


@pytest.mark.parametrize("part", ["SUMMARY", "Settings", "NEEDS", "LIVE_APIS", "account"])
def test_settings_without_one_of_their_parts_are_named(
    acme: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (acme / "settings.py").write_text(re.sub(rf"\b{part}\b", "other", SETTINGS))

    with pytest.raises(MissingPart, match=rf"^providers/acme/settings\.py has no {part}$"):
        declared(monkeypatch)


def test_a_fault_inside_settings_is_not_taken_for_their_absence(
    acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (acme / "settings.py").write_text("import no_such_module_anywhere")

    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        declared(monkeypatch)


def test_a_provider_without_a_folder_is_named() -> None:
    with pytest.raises(MissingPart, match=r"^there is no folder providers/nowhere$"):
        load("nowhere")


def test_an_example_that_does_not_exist_is_named() -> None:
    """A typing error in PROVIDERS_EXTRA must not leave a shop without the provider it wants."""
    with pytest.raises(config.SettingsError, match="PROVIDERS_EXTRA names molly: "):
        configured_providers(config.load(providers_extra="molly"))


TEST = {**SHOP, "payment_environment": "test"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_that_is_wanted_and_lacks_its_settings_is_named(name: str) -> None:
    """As a typing error: nothing is quietly taken off the page."""
    with pytest.raises(config.SettingsError, match=rf"PROVIDERS_EXTRA names {name}, which needs "):
        configured_providers(config.load(**TEST, providers_extra=name))


def test_an_example_that_is_not_wanted_needs_nothing() -> None:
    """The control."""
    assert configured_providers(config.load(**TEST)) == {}
