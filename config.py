"""Every setting of the shop: its name in the environment (or ``.env``), default and meaning.

Checked once, at start-up: a shop that starts is a shop whose settings make sense. What each kind
of setting must look like stands in ``kinds.py``; here is what concerns one, or several at once.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

import kinds
from kinds import origin as origin
from providers.request_network import is_test_coin, is_test_network

ROOT = Path(__file__).parent
SANDBOX_SECRET_KEY = "only good enough for the sandbox"  # noqa: S105

#: What the sandbox process expects when nothing is set; worth nothing anywhere else.
SANDBOX_KEYS = {
    "mintcash_public_key": "pk_test_kiln_and_kettle",
    "mintcash_secret_key": "sk_test_kiln_and_kettle",
    "mintcash_signing_secret": "whsec_test_kiln_and_kettle",
    "hitpay_api_key": "test_kiln_and_kettle",
    "hitpay_salt": "salt_test_kiln_and_kettle",
    "hitpay_webhook_salt": "webhook_salt_test_kiln_and_kettle",
    "wipay_account_number": "1234567890",
    "wipay_api_key": "123",
    "wipay_webhook_secret": "wipay_webhook_test_kiln_and_kettle",
    "wipay_wapi_key": "wapi_test_kiln_and_kettle",
    "handcash_app_id": "0123456789abcdef01234567",
    "handcash_app_secret": "app_secret_test_kiln_and_kettle",
    "handcash_destination": "kilnandkettle",
    "request_network_client_id": "cli_test_kiln_and_kettle",
    "request_network_webhook_secret": (
        "6b696c6e2d616e642d6b6574746c652d72657175657374206e6574776f726b21"
    ),
}

#: Keys that providers hand out for tests; whoever knows them (everybody) could forge a payment.
PUBLIC_TEST_KEYS = {"wipay_account_number": "1234567890", "wipay_api_key": "123"}

#: What each provider cannot do without, a line for each need; of several in a line, one will do.
NEEDS = {
    "mintcash": (
        ("mintcash_public_key",),
        ("mintcash_secret_key",),
        ("mintcash_signing_secret",),
    ),
    "hitpay": (("hitpay_api_key",), ("hitpay_salt", "hitpay_webhook_salt")),
    "wipay": (("wipay_account_number",), ("wipay_api_key",)),
    "handcash": (("handcash_app_id",), ("handcash_app_secret",), ("handcash_destination",)),
    "request_network": (
        ("request_network_api_key", "request_network_client_id"),
        ("request_network_webhook_secret",),
    ),
}

#: Where live payments are made, and nowhere else.
LIVE_HOSTS = {
    "mintcash": ("api.mintcash.me",),
    "hitpay": ("api.hit-pay.com",),
    "wipay": tuple(f"{country}.wipayfinancial.com" for country in ("bb", "gd", "gy", "jm", "tt")),
    "handcash": ("cloud.handcash.io",),
    "request_network": ("api.request.network",),
}

MASK = "[masked]"
SHORTEST = 6  # characters; to mask "123", WiPay's public test key, would only blot out numbers
LONG_PASSWORD = kinds.LEAST["_password"]

#: pydantic's kind of error -> what to do; what is not listed keeps pydantic's words.
SENTENCES = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}

#: The chain in a destination id.
CHAIN = re.compile(r"@(eip155:[0-9]+)", re.ASCII)

#: Comma-separated in the environment.
Words = Annotated[tuple[str, ...], NoDecode]


class SettingsError(Exception):
    """One or more settings are wrong; the text says which, and what to do, a line each."""


class Settings(BaseSettings):
    """Read with :func:`load`. A field ``base_url`` is the variable ``BASE_URL``."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", frozen=True)

    payment_environment: Literal["sandbox", "test", "live"] = Field(
        "sandbox", description="sandbox: imitated providers; test: their test systems; live: money"
    )
    secret_key: SecretStr = Field(
        SecretStr(SANDBOX_SECRET_KEY), description="Signs sessions and forms; 32 random characters"
    )
    secret_key_fallbacks: SecretStr = Field(
        SecretStr(""),
        description="Older SECRET_KEYs, comma-separated: what they signed is still read",
    )
    flask_debug: bool = Field(False, description="Flask's debugger; refused when money is real")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Where gunicorn listens on this machine; default: BASE_URL's when that is this "
        "machine, else 5000",
    )
    base_url: str = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data.get('port') or 5000}",
        description="The shop's public address",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="Proxies in front that add to X-Forwarded-For (or Forwarded); 0: none counts",
    )
    sandbox_url: str = Field("http://127.0.0.1:5001", description="Where the sandbox runs")
    database_url: SecretStr = Field(
        default_factory=lambda: SecretStr(sqlite_url(ROOT / "var/shop.db")),
        description="SQLite file, or postgresql://…",
    )
    jobs_url: SecretStr = Field(
        default_factory=lambda: SecretStr(sqlite_url(ROOT / "var/jobs.db")),
        description="The job queue: SQLite file, or postgresql://…, redis://…, rediss://…",
    )
    rate_limit_url: SecretStr = Field(
        SecretStr("memory://"),
        description="Where requests are counted: memory:// in each process, redis://… for all",
    )
    checkout_limit: str = Field(
        "", description="Checkouts from one address; default: by PAYMENT_ENVIRONMENT"
    )
    attempt_limit: str = Field(
        "", description="Checkouts of one session, attempts to pay one order; default likewise"
    )
    status_limit: str = Field(
        "", description="Looks at payments from one address, however many; default likewise"
    )
    console_password: SecretStr | None = Field(
        None, description="Opens /console (user: console); without it, closed outside the sandbox"
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="smtp://user:password@host:587, smtps:// for TLS from the start; "
        "without it receipts stay in the database",
    )
    mail_from: str = Field("Kiln & Kettle <shop@example.com>", description="Sender of receipts")
    payment_minutes: int = Field(
        60, description="A payment still silent after this many minutes is expired"
    )
    lease_seconds: int = Field(
        60, description="Unfinished work of a dead worker is taken over after this long"
    )
    log_format: Literal["json", "text"] | None = Field(
        None, description="Default: text in the sandbox and at a terminal, JSON lines elsewhere"
    )
    metrics_token: SecretStr | None = Field(
        None, description="Opens /metrics as bearer token; without it, to this machine only"
    )

    mintcash_base_url: str = Field("", description="Default: by PAYMENT_ENVIRONMENT")
    mintcash_public_key: str | None = Field(None, description="Merchant console, API keys")
    mintcash_secret_key: SecretStr | None = Field(
        None, description="Shown once with the public key"
    )
    mintcash_signing_secret: SecretStr | None = Field(
        None, description="Signs webhooks; two, comma-separated, while one is being replaced"
    )
    mintcash_page_origins: Words = Field(
        (),
        description="Origins of the hosted page, e.g. https://pay.example; "
        "default: that of MINTCASH_BASE_URL",
    )
    mintcash_currencies: Words = Field(
        ("USD", "EUR", "GBP"), description="What your account takes; MintCash publishes no list"
    )

    hitpay_base_url: str = Field("", description="Default: by PAYMENT_ENVIRONMENT")
    hitpay_api_key: SecretStr | None = Field(None, description="Dashboard, API keys")
    hitpay_salt: SecretStr | None = Field(
        None, description="Salt of that key: signs the webhooks of each payment request (version 1)"
    )
    hitpay_webhook_salt: SecretStr | None = Field(
        None,
        description="Salt of a registered webhook endpoint (version 2); one of the two will do",
    )
    hitpay_page_origins: Words = Field(
        (), description="Origins of the hosted page; default: those that HitPay documents"
    )
    hitpay_currencies: Words = Field(
        ("SGD", "USD"), description="What your account takes; HitPay publishes no list"
    )
    hitpay_payment_methods: Words = Field(
        (), description="card, paynow_online …; default: all that are enabled on the account"
    )
    hitpay_qr_minutes: int = Field(5, description="How long a PayNow QR code can be paid")
    hitpay_drop_in: bool = Field(
        False, description="Open HitPay's page over ours with its script, instead of leaving for it"
    )
    hitpay_default_link: str = Field(
        "",
        description="Dashboard, Payment Links: what the drop-in is started with; default: the "
        "address of each payment request",
    )

    wipay_base_url: str = Field("", description="Default: by country and PAYMENT_ENVIRONMENT")
    wipay_account_number: str | None = Field(None, description="Ten digits, on the WiPay profile")
    wipay_api_key: SecretStr | None = Field(
        None, description="Proves returns; on the WiPay profile, never sent to anybody"
    )
    wipay_country_code: Literal["BB", "GD", "GY", "JM", "TT"] = Field(
        "TT", description="Country of the WiPay account: decides host and currencies"
    )
    wipay_fee_structure: Literal["customer_pay", "merchant_absorb", "split"] = Field(
        "merchant_absorb", description="Who pays WiPay's fee"
    )
    wipay_mode: Literal["json", "form"] = Field(
        "json", description="Who sends WiPay the request: this shop, or the shopper's browser"
    )
    wipay_avs: bool = Field(
        False,
        description="WiPay's page also checks the billing address, and lives 5 minutes, not 3",
    )
    wipay_webhook_secret: SecretStr | None = Field(
        None, description="Of a registered webhook endpoint; without it the return is the only news"
    )
    wipay_webhook_signs: Literal["body", "timestamp.body"] = Field(
        "body", description="What WiPay's webhooks sign: two readings are documented"
    )
    wipay_wapi_key: SecretStr | None = Field(
        None,
        description="X-WAPI-Key of a business account; without it WiPay cannot be asked, and there "
        "are neither refunds nor saved cards",
    )

    handcash_base_url: str = Field("", description="Default: by PAYMENT_ENVIRONMENT")
    handcash_app_id: str | None = Field(None, description="Developer dashboard, your app")
    handcash_app_secret: SecretStr | None = Field(
        None, description="Developer dashboard, your app; two, comma-separated, while replacing one"
    )
    handcash_destination: str | None = Field(
        None, description="Who receives: a handle, a paymail or a business wallet"
    )
    handcash_page_origins: Words = Field(
        (), description="Origins of the hosted page; default: those that HandCash documents"
    )
    handcash_currencies: Words = Field(
        ("USD", "EUR", "GBP", "SGD", "TTD"), description="Prices; the payer pays in BSV"
    )

    request_network_base_url: str = Field("", description="Default: by PAYMENT_ENVIRONMENT")
    request_network_api_key: SecretStr | None = Field(
        None, description="Sent as x-api-key; or a Client ID instead"
    )
    request_network_client_id: str | None = Field(
        None, description="cli_…, sent as x-client-id; goes before the API key"
    )
    request_network_webhook_secret: SecretStr | None = Field(
        None, description="64 hex digits, shown once when the webhook is registered"
    )
    request_network_destination_id: str | None = Field(
        None, description="<wallet>@eip155:<chain>#<checksum>:<token>; default: the Client ID's own"
    )
    request_network_payee: str | None = Field(
        None, description="0x…, in place of a destination id; with the two currencies below"
    )
    request_network_invoice_currency: str | None = Field(
        None, description="Id of the currency that prices are in: USD, USDC-base …"
    )
    request_network_payment_currency: str | None = Field(
        None, description="Id of the coin that is paid: USDC-base …"
    )
    request_network_itemized: bool = Field(
        False, description="One request for each line of an order, all in one link; EVM chains only"
    )
    request_network_page_origins: Words = Field(
        (), description="Origins of the payment page; default: those that Request Network documents"
    )
    request_network_currencies: Words = Field(
        ("USD",), description="Prices that the destination's stablecoin stands for, one to one"
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
        return kinds.check(info.field_name or "", value)

    @field_validator("base_url", "sandbox_url")
    @classmethod
    def check_own_address(cls, value: str) -> str:
        """Every page is served from "/", so callbacks to anything below would be lost."""
        return kinds.canonical_origin(value)

    @field_validator("rate_limit_url")
    @classmethod
    def check_rate_limit_url(cls, value: SecretStr) -> SecretStr:
        scheme = urlsplit(value.get_secret_value()).scheme
        if scheme not in ("memory", "redis", "rediss"):
            raise ValueError("is neither memory:// nor redis://host:6379")
        if scheme != "memory":
            kinds.server(value.get_secret_value(), ("redis", "rediss"), "redis://host:6379")
        return value

    @field_validator("smtp_url")
    @classmethod
    def check_smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            url = value.get_secret_value().strip()
            parts = kinds.server(url, ("smtp", "smtps"), "smtp://user:password@host:587")
            if parts.path.strip("/") or parts.query or parts.fragment:
                raise ValueError(
                    "must end after host and port, as in smtp://user:password@host:587"
                )
            return SecretStr(url)
        return value

    @field_validator("database_url")
    @classmethod
    def check_database_url(cls, value: SecretStr) -> SecretStr:
        """``postgres://`` and ``postgresql://``, as hosting panels print them, mean psycopg 3."""
        url = value.get_secret_value()
        scheme = url.partition("://")[0]
        if scheme == "sqlite":
            return SecretStr(_sqlite(url))
        if scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("is neither sqlite:///file nor postgresql://user@host/name")
        return SecretStr(_server(url, "postgresql+psycopg"))

    @field_validator("jobs_url")
    @classmethod
    def check_jobs_url(cls, value: SecretStr) -> SecretStr:
        """One spelling for each engine; a password in it is neither shown nor misread."""
        url = value.get_secret_value()
        scheme = url.partition("://")[0].removesuffix("+psycopg")
        if url.startswith("sqlite:///"):
            return SecretStr(_sqlite(url))
        if scheme == "postgres":
            scheme = "postgresql"
        if scheme not in ("postgresql", "redis", "rediss"):
            raise ValueError(
                "is none of sqlite:///file, postgresql://user@host/name, redis://host, rediss://host"
            )
        return SecretStr(_server(url, scheme))

    @model_validator(mode="after")
    def refuse_what_is_dangerous(self) -> "Settings":
        """All that is wrong at once, a line each; none of them shows a value."""
        problems: list[str] = []
        if self.payment_environment != "sandbox":
            problems += self._weak_secrets()
        if self.payment_environment == "live":
            problems += [*self._not_for_the_public(), *self._not_for_real_money()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _weak_secrets(self) -> Iterator[str]:
        """Secrets that can be guessed, or that were copied wrong."""
        live = self.payment_environment == "live"
        said = {name for name, public in SANDBOX_KEYS.items() if public in self.values(name)}
        if _is_weak(self.secret_key.get_secret_value()):
            said.add("secret_key")
            yield "SECRET_KEY is not set or too short: put 32 random characters there"
        if any(map(_is_weak, self.values("secret_key_fallbacks"))):
            yield "SECRET_KEY_FALLBACKS holds a key that is too short, or the sandbox's"
        password = self.value("console_password")
        is_set = self.console_password is not None if live else bool(password)
        if is_set and len(password) < LONG_PASSWORD:
            said.add("console_password")
            yield (
                f"CONSOLE_PASSWORD is blank or too short: {LONG_PASSWORD} characters or more, or "
                "remove the line to close the console"
            )
        for name in type(self).model_fields:
            if name.endswith((*kinds.LEAST, "_id")) and name not in said:
                whole = name in kinds.OWN  # a comma in it is a sign like any other
                values = (
                    (self.value(name),) * bool(self.value(name)) if whole else self.values(name)
                )
                yield from kinds.secret_problems(name, values, live)

    def _not_for_the_public(self) -> Iterator[str]:
        """What would lay the shop open."""
        if not self.base_url.startswith("https://"):
            yield "BASE_URL must start with https:// when money is real"
        if kinds.is_private(urlsplit(self.base_url).hostname or ""):
            yield "BASE_URL is an address that only this machine or its network can reach"
        if self.flask_debug:
            yield "FLASK_DEBUG is on: the debugger runs what a visitor types"

    def _not_for_real_money(self) -> Iterator[str]:
        """Keys that anybody knows, test systems, and providers that could not be verified."""
        for name, public in SANDBOX_KEYS.items():
            if public in self.values(name):
                owner = "the public test account's" if name in PUBLIC_TEST_KEYS else "the sandbox's"
                yield f"{name.upper()} is {owner}, PAYMENT_ENVIRONMENT is live"
        for provider, needs in NEEDS.items():
            missing = [
                " or ".join(name.upper() for name in each)
                for each in needs
                if not any(map(self.values, each))
            ]
            if 0 < len(missing) < len(needs):
                yield f"{' and '.join(missing)} is not set, but the rest of {provider} is"
        for name in type(self).model_fields:
            if name not in ("base_url", "sandbox_url"):
                yield from self._test_system(name, getattr(self, name))

    def _test_system(self, name: str, value: object) -> Iterator[str]:
        """An address or a coin that no real money comes from, by the kind of the setting."""
        if not value or isinstance(value, SecretStr):
            return
        hosts = LIVE_HOSTS.get(name.removesuffix("_base_url"), ())
        if name.endswith("_base_url") and hosts:
            if origin(str(value)) not in [f"https://{host}" for host in hosts]:
                wanted = " or ".join(f"https://{host}" for host in hosts)
                yield f"{name.upper()} must be {wanted} when live"
        elif name.endswith(("_url", "_link")) and not kinds.is_live(str(value)):
            yield f"{name.upper()} is no address of a live system, PAYMENT_ENVIRONMENT is live"
        elif name.endswith("_origins") and isinstance(value, tuple):
            for page in value:
                if not kinds.is_live(page):
                    yield f"{name.upper()} holds {page}, which is no live page"
        elif name.endswith("_currency") and is_test_coin(str(value)):
            yield (
                f"{name.upper()} is a coin of a test network, PAYMENT_ENVIRONMENT is live: set one "
                "of a live network, such as USDC-base"
            )
        elif name.endswith("_id") and any(map(is_test_network, CHAIN.findall(str(value)))):
            yield f"{name.upper()} is a test network's, PAYMENT_ENVIRONMENT is live"

    @property
    def environment(self) -> str:
        return self.payment_environment

    def value(self, name: str) -> str:
        """A provider's key or secret, blank when it is not to be used."""
        found = getattr(self, name)
        if found is None:
            return SANDBOX_KEYS.get(name, "") if self.environment == "sandbox" else ""
        return (found.get_secret_value() if isinstance(found, SecretStr) else str(found)).strip()

    def values(self, name: str) -> tuple[str, ...]:
        """A secret that may be several, comma-separated, while one is being replaced."""
        return tuple(word.strip() for word in self.value(name).split(",") if word.strip())

    def logs_as_json(self, is_terminal: bool) -> bool:
        if self.log_format:
            return self.log_format == "json"
        return self.environment != "sandbox" and not is_terminal

    def mask(self, text: str) -> str:
        """The text without this shop's secrets; for what is kept of others' words."""
        return self._secrets.sub(MASK, text)

    @cached_property
    def _secrets(self) -> re.Pattern[str]:
        """Matches every secret; of an address only the password in it is one."""
        found = set()
        for name in type(self).model_fields:
            if name.endswith("_url"):
                password = urlsplit(self.value(name)).password or ""
                found |= {password, unquote(password)}
            elif isinstance(getattr(self, name), SecretStr):
                found |= {self.value(name), *self.values(name)}
        spellings = {way for each in found for way in (each, quote(each, safe=""))}
        longest_first = sorted((each for each in spellings if len(each) >= SHORTEST), key=len)[::-1]
        whole = [re.escape(each) for each in longest_first]
        # What quotes us may have been cut short in the middle of a secret.
        cut = [rf"{re.escape(each[:8])}[^\s\"',;]*" for each in longest_first if len(each) >= 16]
        return re.compile("|".join([*whole, *cut]) or "(?!)")  # which matches nothing


def load(kind: type[Settings] = Settings, /, **overrides: object) -> Settings:
    """The settings from the environment.

    :raise SettingsError: with one line for each setting that is wrong.
    """
    try:
        return kind(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        found = error
    wrong = _sentences(found)
    defaults = {
        name: kind.model_fields[name].get_default(call_default_factory=True, validated_data={})
        for name in wrong
        if name
    }
    if (
        defaults
    ):  # pydantic asks about several at once only when each makes sense: ask about the rest
        try:
            kind(**{**overrides, **defaults})
        except ValidationError as others:
            said = tuple(name.upper() for name in defaults)
            lines = "\n".join(_sentences(others).get("", [])).splitlines()
            wrong[""] = [line for line in lines if not line.startswith(said)]
    raise SettingsError("\n".join(line for lines in wrong.values() for line in lines))


def _sentences(error: ValidationError) -> dict[str, list[str]]:
    """By the name of the setting; blank for what concerns several. None of them shows a value."""
    found: dict[str, list[str]] = {}
    for each in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in each["loc"][:1])
        words = SENTENCES.get(each["type"], each["msg"]).format(**each.get("ctx", {}))
        sentence = f"{name.upper()} {words.removeprefix('Value error, ')}".strip()
        found.setdefault(name, []).append(sentence)
    return found


def sqlite_url(path: Path) -> str:
    """The address of an SQLite file, whatever its folders are called."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def _sqlite(url: str) -> str:
    """One spelling; a relative path begins in this folder, whatever process reads it.

    :raise ValueError: it names no file.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = URL.create("sqlite")
    if address.database in (None, "", ":memory:"):
        raise ValueError("names no file: write sqlite:///path/to/file.db")
    return address.set(database=str(ROOT / address.database)).render_as_string()


def _server(url: str, scheme: str) -> str:
    """:raise ValueError: it cannot be read; the text does not quote it."""
    try:
        return make_url(url).set(drivername=scheme).render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        name = scheme.partition("+")[0]
        raise ValueError(f"is no {name}:// address: write signs in a password as %XX") from None


def _is_weak(secret: str) -> bool:
    """24 characters of base64 hold more than 128 random bits."""
    return secret == SANDBOX_SECRET_KEY or len(secret) < 24 or len(set(secret)) < 8
