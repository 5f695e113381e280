"""What an imitation of a provider is made with, in the order in which it is used.

A provider is a folder of ``sandbox/`` and a line in ``registry.py``. All modules of the folder are
imported, so each may add routes. Read the first of them beside this.

1. ``settings.py``: :class:`Settings` with the provider's own fields, each with its meaning. What
   the documentation leaves open is a field ``sandbox_<name>_…``, or an assumption.
2. ``__init__.py`` begins with ``provider = Provider(name, title, …)``: its statuses, how it words
   an error, which faults make no sense here.
3. ``api = provider.blueprint("api", "/v1", login)``: routes that answer :class:`Refused` in the
   provider's own format, which unknown paths are answered in, too. ``login`` raises
   ``provider.refused(401)``; :func:`login_with` makes the usual ones.
4. The call that makes a payment answers by :meth:`Provider.create`, which applies the faults of the
   API. It reads its body (:func:`json_object`, or ``request.form``) and checks it by a table of
   rules (``kit.fields``, with :func:`is_text`, :func:`is_web_address`, :func:`minor`). The payment
   comes from :meth:`Provider.new`, inside :meth:`Provider.once` where calls carry an idempotency
   key.
5. The call that shows a payment: :meth:`Provider.found`, and :func:`major` or :func:`number` for
   its amounts; the one that lists them: ``kit.paging``.
6. What happens to a payment, each a function under a decorator: ``@provider.pays``,
   ``@provider.expires``, or ``@provider.moves`` for both; where the timer does something else,
   ``@provider.ends_refunds`` or ``@provider.rings``; where the status does not say how much money
   was taken, ``@provider.counts_taken``.
7. Webhooks: one :class:`Webhooks` says how they are repeated and where the faults lie in them. Its
   ``send`` stores one, signed by :func:`hmac_sha256` with :func:`first_of` the secrets. Where the
   time of sending is signed (:func:`timed_hmac`), ``@provider.signs_each_attempt`` signs it for
   each further one. Where its address is registered by a call: ``kit.endpoints``.
8. Refunds: ``refunds.repeated`` and ``refunds.keep``; where they end later, ``refunds.change``.
   ``provider.actions`` holds what happens there without the shop asking, each an :class:`Action`.
9. The page: :func:`page_of_endings`, a button for each ending. Or one of its own, in ``page.py``:
   ``provider.pages("/pay/<reference>")``, whose views get the payment. :func:`show` renders a
   template, :func:`submit` takes its form with the faults of the drawer, ``cards`` reads a card,
   :func:`onward` leads on. Templates stand in ``templates/<name>/`` and extend ``hosted.html``.

A view that changes anything ends with :func:`commit`, which has the webhooks sent at once.
"""

from ..actions import Action
from ..background import commit
from ..settings import Settings, settings, settings_as, webhooks_of
from . import cards, refunds
from .checks import (
    MAX_AMOUNT,
    digits,
    is_number,
    is_secret,
    is_text,
    is_web_address,
    json_body,
    json_object,
    major,
    minor,
    number,
    plain,
)
from .endings import page_of_endings
from .login import login_with
from .page import Answer, extended, onward, origin, show, submit
from .provider import Provider, Refused, provider_of
from .webhooks import (
    Webhooks,
    another_currency,
    first_of,
    form_bytes,
    hmac_sha256,
    newest_other,
    of_other_order,
    timed_hmac,
)

__all__ = ["Action", "Answer", "Provider", "Refused", "Settings", "Webhooks"]
__all__ += ["MAX_AMOUNT", "is_number", "is_secret", "is_text", "is_web_address", "json_body"]
__all__ += ["json_object", "login_with", "page_of_endings", "timed_hmac"]
__all__ += ["digits", "major", "minor", "number", "plain"]
__all__ += ["another_currency", "first_of", "form_bytes", "hmac_sha256", "newest_other"]
__all__ += ["cards", "commit", "extended", "of_other_order", "onward", "origin", "provider_of"]
__all__ += ["refunds", "settings", "settings_as", "show", "submit", "webhooks_of"]
