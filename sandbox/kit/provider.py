"""A provider: what the rest of the sandbox knows of it, and what its imitation is made with."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app
from sqlalchemy import select

from .. import clock, deliveries, faults
from ..actions import Action
from ..background import commit
from ..models import Delivery, IdempotencyKey, Payment, control, db
from ..settings import Own, settings_as
from .checks import canonical

FOREIGN_HOST = "pay.example.invalid"

Hook = TypeVar("Hook", bound=Callable[..., Any])


class Refused(Exception):
    """The API answers with an error: HTTP status, message, and what else its body names."""

    def __init__(self, status: int, message: Any, /, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


class Provider(Generic[Own]):
    """One imitated provider. See the head of ``kit`` for the order in which it is used.

    :param name: of its folder, its templates and the first part of its paths.
    :param settings: its own ones, beside those that all share.
    :param assumptions: what was chosen where its documentation is silent; a sentence each.
    :param open_in: the statuses in which a payment waits for money; the first is that of a new one.
    :param paid_in: those whose money was taken, whatever went back since. See :meth:`counts_taken`.
    :param envelope: an error as the body of an answer: ``message`` and what else there is, unless
        said otherwise.
    :param errors: HTTP status -> what :class:`Refused` is made of, where it is not HTTP's own
        phrase: 401, 404 (an unknown path), and 500, 502, 503, which faults ask for.
    :param keeps_first_reply: whether a call with a known idempotency key is answered word for word
        as the first time, and not with the payment as it is now.
    :param cannot: the keys of faults that make no sense here.
    :param own_faults: faults that only this provider knows.
    :param counts_retries_in: the header of a webhook that counts them; "0" at first.
    :param dashboard: the endpoint of a page for the merchant.
    :param pays_late_after: sandbox seconds from the end of a page to the money of "pay late"; None:
        as set for all.
    """

    def __init__(
        self,
        name: str,
        title: str,
        *,
        settings: type[Own],
        assumptions: Sequence[str],
        open_in: Sequence[str],
        paid_in: Sequence[str] = (),
        envelope: Callable[[Refused], dict[str, Any]] = lambda error: {
            "message": error.message,
            **error.more,
        },
        errors: Mapping[int, Mapping[str, Any]] = MappingProxyType({}),
        keeps_first_reply: bool = False,
        cannot: Sequence[str] = (),
        own_faults: Sequence[faults.Fault] = (),
        counts_retries_in: str = "",
        dashboard: str = "",
        pays_late_after: float | None = None,
    ) -> None:
        self.name, self.title, self.assumptions = name, title, assumptions
        self.settings_type = settings
        self.open_in, self.paid_in = open_in, paid_in
        self.envelope, self.errors = envelope, errors
        self.keeps_first_reply = keeps_first_reply
        self.cannot, self.own_faults = cannot, own_faults
        self.counts_retries_in, self.dashboard = counts_retries_in, dashboard
        self.pays_late_after = pays_late_after
        self.blueprints: list[Blueprint] = []
        self.actions: Sequence[Action] = ()  # what happens there without the shop asking
        self.pay: Callable[[Payment], list[Delivery]]
        self.expire: Callable[[Payment], object]
        self.on_timer: Callable[[Payment], object]
        self.on_paid_timer: Callable[[Payment], object] | None = None
        self.taken: Callable[[Payment], int] = self._taken
        self.sign_again: Callable[[bytes], dict[str, str]] | None = None

    @property
    def settings(self) -> Own:
        """The settings of the app that handles this request."""
        return settings_as(self.settings_type)

    # What happens to a payment: each decorates the function that does it. The caller commits.

    def pays(self, hook: Hook) -> Hook:
        """The money is taken, and the shop is told: gives the webhooks."""
        self.pay = hook
        return hook

    def expires(self, hook: Hook) -> Hook:
        """The page is over; also when the payment's timer rings, unless :meth:`rings` says else."""
        self.expire = hook
        if not hasattr(self, "on_timer"):
            self.on_timer = hook
        return hook

    def moves(self, paid: str, expired: str) -> Callable[[Hook], Hook]:
        """Both of them by one function of a payment and its next status."""

        def decorate(hook: Hook) -> Hook:
            self.pays(lambda payment: hook(payment, paid))
            self.expires(lambda payment: hook(payment, expired))
            return hook

        return decorate

    def ends_refunds(self, hook: Hook) -> Hook:
        """The timer of a payment that was paid has rung."""
        self.on_paid_timer = hook
        return hook

    def rings(self, hook: Hook) -> Hook:
        """The payment's timer has rung."""
        self.on_timer = hook
        return hook

    def counts_taken(self, hook: Hook) -> Hook:
        """How many minor units were taken, where ``paid_in`` does not say it."""
        self.taken = hook
        return hook

    def signs_each_attempt(self, hook: Hook) -> Hook:
        """The headers that sign a body now, where the time of sending is signed, too."""
        self.sign_again = hook
        return hook

    def _taken(self, payment: Payment) -> int:
        return payment.amount if payment.status in self.paid_in else 0

    # The API

    def blueprint(
        self, part: str, path: str = "", login: Callable[[], None] | None = None
    ) -> Blueprint:
        """Routes below ``/<name><path>``, which answer :class:`Refused` in the provider's way.

        :param login: called before each; raises :class:`Refused`.
        """
        made = Blueprint(f"{self.name}_{part}", __name__, url_prefix=f"/{self.name}{path}")
        made.register_error_handler(Refused, self.answer_refused)
        if login:
            made.before_request(login)
        self.blueprints.append(made)
        return made

    def pages(
        self,
        path: str,
        find: Callable[[dict[str, Any]], Payment | None] | None = None,
        part: str = "page",
    ) -> Blueprint:
        """Pages of one payment, whose views are given it as ``payment``; an unknown one is a 404.

        :param find: the payment of the path's values; if not given, by its ``reference``.
        """
        made = self.blueprint(part, path)

        @made.url_value_preprocessor
        def give_payment(_endpoint: str | None, values: dict[str, Any] | None) -> None:
            sent = values if values is not None else {}
            found = find(sent) if find else self.find(sent.pop("reference"))
            sent["payment"] = found or abort(404)

        return made

    def answer_refused(self, error: Refused) -> tuple[dict[str, Any], int]:
        db.session.rollback()
        return self.envelope(error), error.status

    def refused(self, status: int) -> Refused:
        """The error of that status, as ``errors`` words it."""
        said = {"message": HTTPStatus(status).phrase, **self.errors.get(status, {})}
        return Refused(status, said.pop("message"), **said)

    def create(
        self,
        make: Callable[[], Payment],
        page: Callable[[Payment], str],
        reply: Callable[[Payment, str], Any],
    ) -> Any:
        """Answer a call that makes a payment, with the fault that was ordered for it.

        The reply is built when the payment is made, before anything else happens to it: a webhook
        that overtakes the answer does not change the answer.

        :param make: checks the call and makes the payment, by :meth:`new`.
        :param page: where its hosted page is.
        :param reply: the answer, with the address of the page, or of a foreign one.
        :raise Refused: what ``make`` raises, or an error that was ordered.
        """
        fault = faults.consume_create_fault()
        if fault == "timeout_before":
            faults.hang()
            fault = "503"
        if fault.isdigit():
            raise self.refused(int(fault))
        if fault == "html":
            abort(Response(f"<!doctype html><title>{self.title}</title><p>We are back soon."))
        payment = make()
        address = page(payment)
        if fault == "foreign_redirect":
            address = urlsplit(address)._replace(scheme="https", netloc=FOREIGN_HOST).geturl()
        answer = reply(payment, address)
        if self.keeps_first_reply:
            answer = _kept(payment, answer)
        commit()
        if fault == "timeout_after":
            faults.hang()
        elif fault == "early_webhook" and payment.status == self.open_in[0]:
            for delivery in self.pay(payment):
                deliveries.send_now(delivery)
        return answer

    def new(
        self,
        *,
        reference: str,
        external_id: str | None,
        amount: int,
        currency: str,
        return_url: str,
        lifetime: float | None,
        details: dict[str, Any],
    ) -> Payment:
        """A payment that waits for money, with the faults that are set for new ones.

        :param reference: the provider's id of it; ``external_id``: the merchant's.
        :param amount: minor units.
        :param lifetime: sandbox seconds until its timer rings; None: never.
        :param details: the provider's own.
        """
        payment = Payment(
            provider=self.name,
            reference=reference,
            external_id=external_id,
            amount=amount,
            currency=currency,
            status=self.open_in[0],
            return_url=return_url,
            created_at=clock.timestamp(),
            timer=None if lifetime is None else clock.now() + lifetime,
            fault=control().payment_fault,
            delivery_fault=control().delivery_fault,
            details=details,
        )
        db.session.add(payment)
        db.session.flush()
        return payment

    def once(
        self, key: str, request: Any, make: Callable[[], Payment], conflict: Refused
    ) -> Payment:
        """The payment that a call with this idempotency key made, or a new one; blank: no key.

        Transactions do not run at once (see ``models.py``), so calls at the same time make one.

        :raise conflict: the key was used with another request.
        """
        if not key:
            return make()
        used = db.session.get(IdempotencyKey, (self.name, key))
        if used is None:
            payment = make()
            db.session.add(
                IdempotencyKey(
                    provider=self.name, key=key, request=canonical(request), payment_id=payment.id
                )
            )
            return payment
        if used.request != canonical(request):
            raise conflict
        return used.payment

    def find(self, reference: str) -> Payment | None:
        """The payment that the provider calls so."""
        return db.session.scalar(
            select(Payment).where(Payment.provider == self.name, Payment.reference == reference)
        )

    def found(self, reference: str, unknown: Refused | None = None) -> Payment:
        """The same.

        :raise unknown: there is none; if not given, the error 404.
        """
        payment = self.find(reference)
        if payment is None:
            raise unknown or self.refused(404)
        return payment

    # What the sandbox asks of it

    def can_suffer(self, kind: str) -> list[faults.Fault]:
        """The faults of one kind that its hosted page offers."""
        every = [fault for fault in faults.FAULTS if fault.kind == kind]
        own = [fault for fault in self.own_faults if fault.kind == kind]
        return [fault for fault in every if fault.key not in self.cannot] + own

    def end_late(self, payment: Payment) -> None:
        """The fault "pay late": the page has expired, and its money comes all the same."""
        wait = self.pays_late_after
        payment.timer = clock.now() + (
            self.settings.sandbox_delay_seconds if wait is None else wait
        )
        payment.details["pays_late"] = True

    def ring(self, payment: Payment) -> None:
        """The payment's timer has rung: money that is late arrives, or the provider decides."""
        if payment.details.pop("pays_late", False):
            self.pay(payment)
        elif self.on_paid_timer and payment.status in self.paid_in:
            self.on_paid_timer(payment)
        else:
            self.on_timer(payment)


def _kept(payment: Payment, answer: dict[str, Any]) -> dict[str, Any]:
    """What the idempotency key of this payment was answered first; without a key, ``answer``."""
    used = db.session.scalar(select(IdempotencyKey).filter_by(payment_id=payment.id))
    if used is None:
        return answer
    if used.reply is None:
        used.reply = answer
    return used.reply


def provider_of(payment: Payment) -> Provider[Any]:
    """The one that the payment was made at."""
    found: Provider[Any] = current_app.extensions["providers"][payment.provider]
    return found
