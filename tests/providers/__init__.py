"""Each provider's case, by its name; see ``case.py`` for what a case says."""

from functools import cache
from importlib import import_module

from providers import PROVIDERS
from providers.missing import MissingPart

from .case import Case


@cache
def cases() -> dict[str, Case]:
    """The case of each provider that is registered.

    :raise MissingPart: "tests/providers/acme has no case.py".
    """
    return {name: case_of(name) for name in PROVIDERS}


def case_of(name: str) -> Case:
    """One provider's case.

    :raise MissingPart: there is none.
    """
    package = f"{__name__}.{name}"
    try:
        module = import_module(f"{package}.case")
    except ModuleNotFoundError as error:
        if error.name not in (package, f"{package}.case"):
            raise
        raise MissingPart(f"tests/providers/{name} has no case.py") from None
    if not isinstance(case := getattr(module, "CASE", None), Case):
        raise MissingPart(f"tests/providers/{name}/case.py has no CASE")
    return case
