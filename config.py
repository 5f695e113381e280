"""Every setting of the shop: its name in the environment (or ``.env``), default and meaning.

Those of a provider are declared in its own ``settings.py``. All are checked once, at start-up: a
shop that starts is a shop whose settings make sense. What each kind of setting must look like
stands in ``providers/settings.py`` and ``addresses/``; here is what concerns one, or several.
"""

import re
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, unquote, urlsplit

from limits import parse_many
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from addresses import emails, servers
from addresses.servers import sqlite_url as sqlite_url
from providers import declared_settings
from providers.settings import (
    BY_FALLBACK,
    LEAST,
    ProviderSettings,
    Words,
    live_problems,
    secret_problems,
)
from providers.settings import SettingsError as SettingsError
from providers.urls import canonical_origin, is_private
from providers.urls import origin as origin

ROOT = Path(__file__).parent
SANDBOX_SECRET_KEY = "only good enough for the sandbox"  # noqa: S105

MASK = "[masked]"
SHORTEST = 6  # characters; to mask "123", a public test key, would only black out numbers
CREDIT_CODE = re.compile(r"\b(?:[2-9A-HJKMNP-Z]{4}[- ]){4}([2-9A-HJKMNP-Z]{4})\b", re.IGNORECASE)
LONG_PASSWORD = LEAST["_password"]
#: What the operator makes up, and may be a sentence with spaces in it.
PROSE = ("secret_key", "secret_key_fallbacks", "console_password")

#: Settings that are the address of a server -> what reads it, into one spelling.
SERVERS: dict[str, Callable[[str], str]] = {
    "database_url": partial(servers.database, folder=ROOT),
    "jobs_url": partial(servers.queue, folder=ROOT),
    "rate_limit_url": servers.rate_limits,
    "smtp_url": servers.mail,
}

#: pydantic's kind of error -> what to do; what is not listed keeps pydantic's words.
SENTENCES = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
}


class ShopSettings(ProviderSettings):
    """The shop's own. A field ``base_url`` is the variable ``BASE_URL``."""

    model_config = SettingsConfigDict(env_file=ROOT / ".env")

    secret_key: Annotated[SecretStr, BY_FALLBACK] = Field(
        SecretStr(SANDBOX_SECRET_KEY),
        description="Signs sessions and forms. Needed outside the sandbox: python3 -c 'import "
        "secrets; print(secrets.token_hex(32))'",
    )
    secret_key_fallbacks: Annotated[SecretStr, BY_FALLBACK] = Field(
        SecretStr(""),
        description="Older SECRET_KEYs, comma-separated: what they signed is still read while "
        "sessions move to the new one",
    )
    flask_debug: bool = Field(
        False, description="Flask's debugger; refused when PAYMENT_ENVIRONMENT=live"
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Where the shop listens on this machine. Default: BASE_URL's port when that is "
        "this machine, else 5000. Without BASE_URL it is the port of that, too",
    )
    base_url: str = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data.get('port') or 5000}",
        description="The shop's public address, as shoppers and providers reach it: no path, every "
        "page is served from /. Default: http://127.0.0.1:5000. A name beyond ASCII is "
        "taken, and known as browsers send it (xn--…)",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies stand in front; each adds to X-Forwarded-For (or each to "
        "Forwarded) and passes on X-Forwarded-Proto. 0: no proxy is trusted; with too "
        "many, a shopper can claim any address. A log line says when a request came "
        "through another number of them",
    )
    providers_extra: Words = Field(
        (), description="Example providers to offer beside the five, comma-separated"
    )
    database_url: SecretStr = Field(
        default_factory=lambda: SecretStr(sqlite_url(ROOT / "var/shop.db")),
        description="SQLite file (default: var/shop.db here; a relative path begins here, a % or ? "
        "in it is written %25, %3F), or postgresql://user:password@host/name",
    )
    jobs_url: SecretStr = Field(
        default_factory=lambda: SecretStr(sqlite_url(ROOT / "var/jobs.db")),
        description="The job queue. SQLite file (default: var/jobs.db here) for one machine; for "
        "workers on many: postgresql://user:password@host/name (may be the shop's own "
        "database), redis://:password@host:6379/0, or rediss://… for TLS. Write special "
        "characters in a password as %XX",
    )
    rate_limit_url: SecretStr = Field(
        SecretStr("memory://"),
        description="Where requests are counted: memory:// in each process, or redis://host:6379 "
        "for all of them",
    )
    checkout_limit: str = Field(
        "",
        description="Checkouts and attempts to pay from one address (IPv6: one /64), as in "
        "30/minute;300/hour, which is the default; in the sandbox more, since all "
        "shoppers there come from one address",
    )
    attempt_limit: str = Field(
        "",
        description="Checkouts of one session, and attempts to pay one order; default "
        "10/minute;60/hour, in the sandbox more",
    )
    status_limit: str = Field(
        "",
        description="Reads of a payment's status from one address; default 3000/minute, in the "
        "sandbox more",
    )
    console_password: SecretStr | None = Field(
        None,
        description='Opens /console outside the sandbox, with the user name "console"; 12 '
        "characters or more. Without it the console is closed",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="smtp://user:password@host:587 (STARTTLS) or smtps://…:465; without it "
        "receipts are only kept",
    )
    mail_from: Annotated[str, AfterValidator(emails.sender)] = Field(
        "Kiln & Kettle <shop@example.com>",
        description="Sender of receipts: one address, with or without a name before it",
    )
    mail_attach_bytes: int = Field(
        5_000_000,
        ge=0,
        le=18_000_000,
        description="Bought files go with the receipt up to this size together; 0: only links do",
    )
    lease_seconds: int = Field(
        60, description="Unfinished work of a dead worker is taken over after this many seconds"
    )
    log_format: Literal["json", "text"] | None = Field(
        None,
        description="json (a line for each request and event) or text (warnings and errors only, "
        "for people). Default: text in the sandbox and at a terminal, json elsewhere",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description='Opens /metrics as "Authorization: Bearer …", 16 characters or more when live; '
        "without it /metrics answers this machine only",
    )

    @field_validator("base_url", "sandbox_url")
    @classmethod
    def check_own_address(cls, value: str) -> str:
        """Every page is served from "/", so callbacks to anything below would be lost."""
        return canonical_origin(value)

    @field_validator("checkout_limit", "attempt_limit", "status_limit")
    @classmethod
    def check_limit(cls, value: str) -> str:
        """How many in which time, "30/minute;300/hour"; blank stands for the default."""
        try:
            wanted = parse_many(value or "1/minute")
        except ValueError:
            raise ValueError("is no limit like 30/minute;300/hour") from None
        if any(each.amount < 1 or each.multiples < 1 for each in wanted):
            raise ValueError("is a limit of nothing: write one like 30/minute;300/hour")
        return value

    @field_validator(*SERVERS)
    @classmethod
    def check_server(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        read = SERVERS[info.field_name or ""]
        return None if value is None else SecretStr(read(value.get_secret_value().strip()))

    @model_validator(mode="after")
    def refuse_what_is_dangerous(self) -> "ShopSettings":
        """All that is wrong at once, a line each; none of them shows a value."""
        problems = [*self.live_keys()]
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
        said = {name for name, key in self.sandbox_keys().items() if key.value in self.values(name)}
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
            if name.endswith((*LEAST, "_id")) and name not in said:
                is_prose = name in PROSE  # a comma in it is a sign like any other
                values = self.values(name)
                if is_prose:
                    values = (self.value(name),) if self.value(name) else ()
                yield from secret_problems(name, values, live, is_prose)

    def _not_for_the_public(self) -> Iterator[str]:
        """What would lay the shop open."""
        if not self.base_url.startswith("https://"):
            yield "BASE_URL must start with https:// when money is real"
        if is_private(urlsplit(self.base_url).hostname or ""):
            yield "BASE_URL is an address that only this machine or its network can reach"
        if self.flask_debug:
            yield "FLASK_DEBUG is on: the debugger runs what a visitor types"

    def _not_for_real_money(self) -> Iterator[str]:
        """Published keys, test systems, and providers that could not be verified."""
        for name, key in self.sandbox_keys().items():
            if key.value in self.values(name):
                yield f"{name.upper()} is {key.owner}, PAYMENT_ENVIRONMENT is live"
        apis = {}
        for provider, declared in DECLARED.items():
            apis[f"{provider}_base_url"] = declared.LIVE_APIS
            missing = [
                " or ".join(name.upper() for name in each)
                for each in declared.NEEDS
                if not any(map(self.values, each))
            ]
            if 0 < len(missing) < len(declared.NEEDS):
                yield f"{' and '.join(missing)} is not set, but the rest of {provider} is"
        for name in type(self).model_fields:
            if name not in ("base_url", "sandbox_url"):
                yield from live_problems(name, getattr(self, name), apis.get(name, ()))

    def logs_as_json(self, is_terminal: bool) -> bool:
        if self.log_format:
            return self.log_format == "json"
        return self.environment != "sandbox" and not is_terminal

    def mask(self, text: str) -> str:
        """The text without this shop's secrets and codes; for what is kept of others' words."""
        return CREDIT_CODE.sub(MASK, self._secrets.sub(MASK, text))

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
        # What quotes us may have been cut short in the middle of a secret. "(?!)" matches nothing.
        cut = [rf"{re.escape(each[:8])}[^\s\"',;]*" for each in longest_first if len(each) >= 16]
        return re.compile("|".join([*map(re.escape, longest_first), *cut]) or "(?!)")


#: Each provider's ``settings.py``, by its name.
DECLARED = declared_settings()

if TYPE_CHECKING:
    Settings = ShopSettings
else:
    Settings = create_model(
        "Settings",
        __base__=(ShopSettings, *(each.Settings for each in DECLARED.values())),
        __module__=__name__,
        __doc__="The shop's own settings, and those that each provider declares.",
    )


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
    if defaults:
        # pydantic asks about several at once only when each makes sense: ask about the rest
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


def _is_weak(secret: str) -> bool:
    """24 characters of base64 hold more than 128 random bits."""
    return secret == SANDBOX_SECRET_KEY or len(secret) < 24 or len(set(secret)) < 8
