"""How a provider declares its settings, and how each is checked: by the kind its name ends with.

A provider's ``settings.py`` holds its variables (a :class:`ProviderSettings`), what it cannot do
without (``NEEDS``), where live payments are made (``LIVE_APIS``), and ``account(settings)``.
Every sentence names what to do, and quotes nothing that could be a secret.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from babel.core import get_global
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .networks import is_test_coin, is_test_network
from .urls import canonical, canonical_origin, is_live, origin

#: The currencies in use today, by CLDR: without past ones, and without ISO 4217's codes for metals
#: and tests, which begin with an X.
CURRENCIES = frozenset(
    {"XAF", "XCD", "XCG", "XOF", "XPF"}.union(
        code
        for used in get_global("territory_currencies").values()
        for code, _, end, _ in used
        if end is None and not code.startswith("X")
    )
)

#: Least length, in characters. Providers do not publish how long their secrets are: these numbers
#: are low, and catch placeholders and secrets that were cut off.
LEAST = {"_secret": 12, "_salt": 12, "_key": 8, "_password": 12, "_token": 16}

#: What providers mark test keys with (sk_test_…, whsec_test…), and what stands in guides and
#: templates for a key.
TEST_MARK = re.compile(
    r"sandbox|^([a-z]+_)?test|"
    r"(?<![a-z0-9])(test|tests|testing|staging|demo|dummy|changeme|placeholder)(?![a-z])"
)
#: What they mark live keys with: sk_live_…
LIVE_MARK = re.compile(r"^([a-z]+_)?live_")
MOST_MINUTES = 30 * 24 * 60
MOST_SECONDS = 24 * 60 * 60
#: The chain in a destination id.
CHAIN = re.compile(r"@(eip155:[0-9]+)", re.ASCII)

#: Comma-separated in the environment.
Words = Annotated[tuple[str, ...], NoDecode]


class SettingsError(Exception):
    """One or more settings are wrong; the text says which, and what to do, a line each."""


@dataclass(frozen=True)
class SandboxKey:
    """Beside a field: what the sandbox expects when nothing is set; worth nothing anywhere else.

    ``owner``: the provider that publishes this key for its test system. It is public, so in live
    anyone could forge a payment with it.
    """

    value: str
    owner: str = "the sandbox's"


@dataclass(frozen=True)
class Replaced:
    """Beside a secret's field: how a running shop replaces it. The runbook's table says it.

    Without one it is set, and the shop restarted.
    """

    how: str


TWO_AT_A_TIME = Replaced("two at a time")
BY_FALLBACK = Replaced(
    "move the old one to the second, set a new one; blank the second a month later. After a leak "
    "at once: open carts are lost, paid orders are untouched"
)
BY_DASHBOARD = Replaced(
    "make the new one in the dashboard, set it, restart, delete the old one there"
)


class ProviderSettings(BaseSettings):
    """What each provider's variables are declared in, beside the three that all accounts need."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    payment_environment: Literal["sandbox", "test", "live"] = Field(
        "sandbox",
        description="sandbox: imitated providers; test: the providers' test systems; live: real "
        "money",
    )
    sandbox_url: str = Field("http://127.0.0.1:5001", description="Where the sandbox runs")
    payment_minutes: int = Field(
        60,
        description="A payment still silent after this many minutes is expired; late money is "
        "taken all the same",
    )

    @field_validator("*", mode="before")
    @classmethod
    def split_at_commas(cls, value: object, info: ValidationInfo) -> object:
        is_tuple = cls.model_fields[info.field_name or ""].annotation == tuple[str, ...]
        if isinstance(value, str) and is_tuple:
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("*")
    @classmethod
    def check_kind(cls, value: object, info: ValidationInfo) -> object:
        return check(info.field_name or "", value)

    @property
    def environment(self) -> str:
        return self.payment_environment

    @classmethod
    def sandbox_keys(cls) -> dict[str, SandboxKey]:
        """By the name of the field."""
        return {
            name: each
            for name, field in cls.model_fields.items()
            for each in field.metadata
            if isinstance(each, SandboxKey)
        }

    def value(self, name: str) -> str:
        """A provider's key or secret, blank when it is not to be used."""
        found = getattr(self, name)
        if found is None:
            key = self.sandbox_keys().get(name)
            return key.value if key and self.environment == "sandbox" else ""
        return (found.get_secret_value() if isinstance(found, SecretStr) else str(found)).strip()

    def values(self, name: str) -> tuple[str, ...]:
        """A secret that may be several, comma-separated, while one is being replaced.

        A salt may hold commas, as HitPay's own example does: of salts, a comma and a space stand
        between two, and one with a comma only is taken whole as well as for two.
        """
        whole, is_salt = self.value(name), name.endswith("_salt")
        between = r",\s+" if is_salt and re.search(r",\s", whole) else ","
        found = [word.strip() for word in re.split(between, whole) if word.strip()]
        if is_salt and between == "," and len(found) > 1:
            found = [whole, *(each for each in found if len(each) >= LEAST["_salt"])]
        return tuple(found)

    def live_keys(self) -> Iterator[str]:
        """Outside live: the keys that would take real money for test orders, a sentence each."""
        names = [each for each in type(self).model_fields if each.endswith(("_key", "_secret"))]
        for name in names if self.environment != "live" else ():
            if any(map(LIVE_MARK.search, self.values(name))):
                yield f"{name.upper()} is a live key: set PAYMENT_ENVIRONMENT=live"

    def api(self, name: str, hosts: dict[str, str]) -> str:
        """Where a provider's API is: as set, else by environment; the sandbox has a path for each.

        ``hosts``: base address by "test" and "live".
        """
        given: str = getattr(self, f"{name}_base_url")
        if given or self.environment != "sandbox":
            return given or hosts[self.environment]
        return f"{self.sandbox_url}/{name}"

    def origins(
        self, name: str, base_url: str, pages: Mapping[str, tuple[str, ...]]
    ) -> tuple[str, ...]:
        """Where a provider's pages are: as set, else by the API's address, else at that address.

        ``pages``: origins by base address, where they are documented.
        """
        given: tuple[str, ...] = getattr(self, f"{name}_page_origins")
        return given or pages.get(base_url, (origin(base_url),))


@dataclass(frozen=True)
class Summary:
    """A provider in the tables of the documents, which ``make docs`` writes: a few words each."""

    proven_by: str  # what proves that money moved
    signed: str  # how that is signed
    amount: str  # whether the news says how much
    truth: str  # the call that asks for the truth
    refunds: str  # what can be refunded by the shop
    left_page: str  # what becomes of a page that the shopper left
    webhook: str  # where the webhook's address is registered
    repeats: str  # for how long a webhook that failed is repeated
    ways: str = "page"  # in which ways it can be paid


class DeclaresSettings(Protocol):
    """What each provider's ``settings.py`` offers."""

    #: For the documents.
    SUMMARY: Summary

    #: Its variables.
    Settings: type[ProviderSettings]
    #: What it cannot do without, a line for each need; of several in a line, one will do.
    NEEDS: tuple[tuple[str, ...], ...]
    #: Origins of the API where live payments are made, and nowhere else.
    LIVE_APIS: tuple[str, ...]

    def account(self, settings: Any) -> Any | None:
        """The provider's own ``Account``; None when its settings are not there.

        :raise SettingsError: settings that do not go together.
        """


def check(name: str, value: object) -> object:
    """The value as it is used: an address as it goes over the wire, currencies in capitals.

    :raise ValueError: it makes no sense in any environment; the text begins after the name.
    """
    for suffix, each in CHECKS.items():
        if name.endswith(suffix) and value is not None:
            return each(value)
    return value


# ------------------------------------------------------------------ other kinds


def _url(value: object) -> object:
    """Blank stands for the default; what is a secret has a check of its own."""
    return canonical(value) if value and isinstance(value, str) else value


def _link(value: object) -> object:
    """As the provider's dashboard shows it, with the slash at its end if it has one."""
    found = _url(value)
    return f"{found}/" if found and str(value).endswith("/") else found


def _base_url(value: object) -> object:
    found = _url(value)
    if isinstance(found, str) and re.search(r"[?#]", found):
        raise ValueError("must end before a query or fragment")
    return found


def _origins(value: object) -> object:
    """Exact origins only: they are written into a header and compared as text."""
    assert isinstance(value, tuple)  # noqa: S101
    found = []
    for each in value:
        try:
            if origin(each) != each:
                raise ValueError
            found.append(canonical_origin(each))
        except ValueError:
            raise ValueError(f"holds {each!r}, no origin like https://pay.example") from None
    return tuple(dict.fromkeys(found))


def _currencies(value: object) -> object:
    assert isinstance(value, tuple)  # noqa: S101
    if not value:
        raise ValueError("names no currency: write one or more, such as USD,EUR")
    found = tuple(dict.fromkeys(each.upper() for each in value))
    for each in found:
        if each not in CURRENCIES:
            raise ValueError(f"holds {each!r}, which is no currency's code such as USD")
    return found


def _bounded(most: int, unit: str) -> Callable[[object], object]:
    def check_number(value: object) -> object:
        if isinstance(value, int) and not 0 < value <= most:
            raise ValueError(f"must be from 1 to {most} {unit}")
        return value

    return check_number


def _secret(value: object) -> object:
    """Strip the line end of the file it was read from; refuse other control characters."""
    if not isinstance(value, SecretStr):
        return value
    secret = value.get_secret_value().strip()
    if not secret.isprintable():
        raise ValueError("holds a line break or another control character: copy it again")
    return SecretStr(secret)


CHECKS: dict[str, Callable[[object], object]] = {
    "_base_url": _base_url,
    "_url": _url,
    "_link": _link,
    "_origins": _origins,
    "_currencies": _currencies,
    "_minutes": _bounded(MOST_MINUTES, "minutes"),
    "_seconds": _bounded(MOST_SECONDS, "seconds"),
    **dict.fromkeys(("_fallbacks", *LEAST), _secret),
}


# ------------------------------------------------------------------ before real money


def secret_problems(
    name: str, values: tuple[str, ...], live: bool, is_prose: bool = False
) -> Iterator[str]:
    """What is wrong with a secret, or with the id that goes with one, outside the sandbox.

    ``values``: several, while one is being replaced. ``is_prose``: made up by the operator, and may
    be a sentence with spaces in it. One problem at most.
    """
    least = next((least for suffix, least in LEAST.items() if name.endswith(suffix)), 0)
    for each in values:
        if not is_prose and not re.fullmatch(r"[!-~]+", each):
            yield f"{name.upper()} holds a space or a sign beyond ASCII: copy it again"
        elif live and TEST_MARK.search(each.lower()):
            yield f"{name.upper()} is a test key, PAYMENT_ENVIRONMENT is live: set the live one"
        elif live and len(each) < least:
            yield f"{name.upper()} is too short: {least} characters or more"
        else:
            continue
        return


def live_problems(name: str, value: object, apis: tuple[str, ...] = ()) -> Iterator[str]:
    """An address or a coin that no real money comes from, by the kind of the setting.

    ``apis``: the only origins that will do for a base address, where they are known.
    """
    if not value or isinstance(value, SecretStr):
        return
    if name.endswith("_base_url") and apis:
        if origin(str(value)) not in apis:
            yield f"{name.upper()} must be {' or '.join(apis)} when live"
    elif name.endswith(("_url", "_link")) and not is_live(str(value)):
        yield f"{name.upper()} is no address of a live system, PAYMENT_ENVIRONMENT is live"
    elif name.endswith("_origins") and isinstance(value, tuple):
        for page in value:
            if not is_live(page):
                yield f"{name.upper()} holds {page}, which is no live page"
    elif name.endswith("_currency") and is_test_coin(str(value)):
        yield (
            f"{name.upper()} is a coin of a test network, PAYMENT_ENVIRONMENT is live: set one "
            "of a live network, such as USDC-base"
        )
    elif name.endswith("_id") and any(map(is_test_network, CHAIN.findall(str(value)))):
        yield f"{name.upper()} is a test network's, PAYMENT_ENVIRONMENT is live"
