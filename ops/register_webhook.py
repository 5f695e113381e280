"""``flask register-webhook acme``: have a provider deliver its webhooks to this shop.

Standard output holds only the line to set, so that it may be appended to a file; what happened is
told on standard error. The secret stands in that line and nowhere else.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from urllib.parse import urlsplit

import click
from flask.cli import with_appcontext

from config import DECLARED
from payments.gateway import settings, webhook_url
from providers import PROVIDERS
from providers.contract import ProviderError, Unreachable
from providers.optional import RegistersWebhooks, Registration
from providers.settings import SettingsError
from providers.urls import is_private

log = logging.getLogger(__name__)


@click.command("register-webhook")
@click.argument("provider")
@click.option(
    "--replace",
    is_flag=True,
    help="Delete what is registered for this shop, and register it again: for a lost secret.",
)
@with_appcontext
def register_webhook(provider: str, replace: bool) -> None:
    """Have PROVIDER deliver its webhooks to this shop, and print what to set.

    Once is enough: a second run finds the first registration, and changes nothing.
    """
    offers = _able(provider)
    url = _reachable(provider)
    with _explained(provider):
        found = offers.find_webhooks(settings(), url)
    if found and not replace:
        click.echo(f"{provider} delivers to {url} already: nothing was registered.", err=True)
        for each in found:
            _say_what_to_set(each)
        return
    for each in found:
        with _explained(provider):
            offers.delete_webhook(settings(), each.id)
        click.echo(f"Deleted: {each.id}.", err=True)
    with _explained(provider):
        made = offers.register_webhook(settings(), url)
    log.info("%s: webhook %s registered for %s", provider, made.id, url)
    click.echo(f"{provider} delivers to {url} from now on: {made.id}.", err=True)
    _say_what_to_set(made)


def _able(provider: str) -> RegistersWebhooks:
    """:raise click.ClickException: it is no provider of ours, or has no such call."""
    module = PROVIDERS.get(provider)
    if module is None:
        raise click.UsageError(f"There is no {provider!r}: name one of {', '.join(PROVIDERS)}.")
    if not isinstance(module, RegistersWebhooks):
        where = DECLARED[provider].SUMMARY.webhook
        raise click.ClickException(
            f"{provider} has no call that registers a webhook. It is registered {where}: see "
            f"docs/providers/{provider}.md."
        )
    return module


def _reachable(provider: str) -> str:
    """The address to register.

    :raise click.ClickException: a real provider could not deliver to it.
    """
    base = settings().base_url
    is_public = base.startswith("https://") and not is_private(urlsplit(base).hostname or "")
    if settings().environment != "sandbox" and not is_public:
        raise click.ClickException(
            f"BASE_URL is {base}, and {provider} delivers to a public https:// address only. Set "
            "it to that of the shop, or of a tunnel to it."
        )
    return webhook_url(provider)


@contextmanager
def _explained(provider: str) -> Iterator[None]:
    """:raise click.ClickException: in place of what a call raises, without secrets."""
    try:
        yield
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except Unreachable as error:
        words = settings().mask(str(error))
        raise click.ClickException(
            f"No usable answer from {provider}, so it may have been done: run this again. {words}"
        ) from None
    except ProviderError as error:
        words = settings().mask(str(error))
        raise click.ClickException(f"{provider} refused. {words}") from None


def _say_what_to_set(made: Registration) -> None:
    """The line for ``.env``, unless it is set; without a secret, what is to be done."""
    name, known = made.setting.upper(), settings().values(made.setting)
    told = (made.secret or "").encode()
    if told and any([compare_digest(told, each.encode()) for each in known]):
        click.echo(f"{name} holds the secret of {made.id}.", err=True)
    elif made.secret is not None:
        click.echo("Set this, and restart:", err=True)
        click.echo(f"{name}={_quoted(made.secret)}")
    else:
        is_set = f"{name} is {'set' if known else 'not set'}"
        click.echo(
            f"The secret of {made.id} is not told again; {is_set}. If that secret is lost, run "
            "this with --replace.",
            err=True,
        )


def _quoted(secret: str) -> str:
    """As ``.env`` has it: in quotes, unless it holds nothing that means something there.

    Nothing escapes ``${NAME}`` there: its dollar is written as the default of a name that is blank.
    """
    if re.fullmatch(r"[\w.:/+=-]+", secret, re.ASCII):
        return secret
    escaped = secret.replace("\\", "\\\\").replace("'", "\\'").replace("${", "${:-$}{")
    return f"'{escaped}'"
