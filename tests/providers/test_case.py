"""A provider without a case is named, before any suite leaves it out."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.providers
from providers.contract import News
from providers.missing import MissingPart

from . import case_of, cases
from .case import Case


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the tests of a provider that has just been begun."""
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.setattr(tests.providers, "__path__", [*tests.providers.__path__, str(tmp_path)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("tests.providers.acme")]:
        del sys.modules[name]


def test_a_folder_without_a_case_is_named(acme: Path) -> None:
    with pytest.raises(MissingPart, match=r"^tests/providers/acme has no case\.py$"):
        case_of("acme")


def test_a_provider_without_a_folder_of_tests_is_named() -> None:
    with pytest.raises(MissingPart, match=r"^tests/providers/acme has no case\.py$"):
        case_of("acme")


def test_a_case_by_another_name_is_named(acme: Path) -> None:
    (acme / "case.py").write_text("ACME = 1")

    with pytest.raises(MissingPart, match=r"^tests/providers/acme/case\.py has no CASE$"):
        case_of("acme")


def test_a_fault_inside_a_case_is_not_taken_for_its_absence(acme: Path) -> None:
    (acme / "case.py").write_text("import no_such_module_anywhere")

    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        case_of("acme")


@pytest.mark.parametrize("case", cases().values(), ids=list(cases()))
def test_a_message_about_another_payment_names_that_one_only(case: Case) -> None:
    """B3, B8: what the attacks on other people's orders are made of."""
    ours, theirs = case.payment.provider_reference or "", case.fresh_reference()

    for message in case.messages:
        (news,) = case.provider.read_webhook(case.account, *message.about(ours, theirs))
        (mine,) = case.provider.read_webhook(case.account, *message.paid())
        assert isinstance(news, News)
        assert isinstance(mine, News)
        assert (news.provider_reference, mine.provider_reference) == (theirs, ours)
        assert news.event_key != mine.event_key
