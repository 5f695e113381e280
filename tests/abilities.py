"""Which providers have an ability: its tests run for each of them, and name none."""

import pytest

from providers import FOLDERS
from providers.optional import Cancels, Resumes

from .providers import case_of

CASES = [case_of(name) for name in FOLDERS]

#: A page is closed by a call; also where a code of theirs is drawn on our page.
CLOSED_BY_A_CALL = [case.name for case in CASES if isinstance(case.provider, Cancels)]
CODES = [f"{case.name}/{case.code.key}" for case in CASES if case.code]
#: A page is brought up to date when the shopper goes back to it.
BROUGHT_UP_TO_DATE = [
    case.name
    for case in CASES
    if isinstance(case.provider, Resumes) and isinstance(case.provider, Cancels)
]
REFUND_IN_PARTS = [case.name for case in CASES if case.capabilities.refunds == "part"]
NO_REFUNDS = [case.name for case in CASES if not case.capabilities.refunds]


def each(names: list[str], argument: str = "provider") -> pytest.MarkDecorator:
    """A test for each of them."""
    assert names
    return pytest.mark.parametrize(argument, names)


def another(provider: str, names: list[str]) -> str:
    """One of these that is another provider than that of ``provider``, "hitpay/qr" included."""
    return next(name for name in names if name != provider.partition("/")[0])


def typed(provider: str) -> dict[str, str]:
    """What pays on its page."""
    return case_of(provider.partition("/")[0]).page.pays
