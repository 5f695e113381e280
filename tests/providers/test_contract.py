"""The contract of ``providers/contract.py`` and ``optional.py``, kept by every provider alike."""

import ast
import inspect
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from providers import PROVIDERS, money
from providers.contract import (
    LADDER,
    Checkout,
    Malformed,
    News,
    Ping,
    Provider,
    Redirect,
    Rejected,
    Unproven,
    Unreachable,
    WebhookRefused,
)
from providers.optional import (
    HidesSecrets,
    Hint,
    ReadsReturns,
)
from providers.proven import Proof

from . import cases
from .case import Case
from .contract import URLS, answer, explain
from .proofs import Delivery


def each(which: Callable[[Case], object]) -> pytest.MarkDecorator:
    chosen = [pytest.param(case, id=name) for name, case in cases().items() if which(case)]
    return pytest.mark.parametrize("case", chosen)


each_provider = each(lambda case: True)
each_that_proves = each(lambda case: case.messages)
each_that_pings = each(lambda case: case.ping)


@each_provider
def test_a_webhook_proves_its_news_or_only_says_whom_to_ask_about(case: Case) -> None:
    assert bool(case.messages) != bool(case.ping)


def test_every_provider_is_put_to_the_contract() -> None:
    assert cases().keys() == PROVIDERS.keys()
    assert all(case.provider is PROVIDERS[name] for name, case in cases().items())
    assert all(case.name == name for name, case in cases().items())


def names_of(protocol: type) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]


@each_provider
def test_each_lesson_is_read_in_the_order_of_a_purchase(case: Case) -> None:
    """A reader who knows one provider finds the way in the next."""
    tree = ast.parse(inspect.getsource(sys.modules[case.provider.start_checkout.__module__]))

    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]

    required = names_of(Provider)
    assert [name for name in public if name in required] == required


@each_provider
def test_what_it_can_do_is_data(case: Case) -> None:
    can = case.provider.capabilities(case.account)

    assert can.label
    assert can.takes
    assert can.currencies
    assert set(can.currencies) <= money.ISO_4217


@each_provider
def test_a_checkout_leads_to_a_known_page_and_names_the_payment(case: Case) -> None:
    with responses.RequestsMock() as mock:
        answer(mock, case.created)

        checkout = case.provider.start_checkout(case.account, case.payment, URLS)

    page = urlsplit(checkout.next_action.url)
    assert f"{page.scheme}://{page.netloc}" in case.provider.capabilities(case.account).page_origins
    assert checkout.provider_reference or not isinstance(checkout.next_action, Redirect)


@each_provider
def test_what_a_provider_notes_about_a_payment_is_text_without_secrets(case: Case) -> None:
    """It is stored, and comes back with each later call."""
    with responses.RequestsMock() as mock:
        answer(mock, case.created)
        told: list[Checkout | News | Ping] = [
            case.provider.start_checkout(case.account, case.payment, URLS),
        ]
        for message in case.messages:
            told += case.provider.read_webhook(case.account, *message.paid())

    for each in told:
        assert not isinstance(each, Ping)
        assert isinstance(each.provider_state, str | None)
        assert not any(secret in (each.provider_state or "") for secret in case.secrets)


@each_provider
def test_no_answer_is_unreachable_and_shows_no_secret(case: Case) -> None:
    with responses.RequestsMock() as mock:
        for method in (responses.POST, responses.GET, responses.PUT):
            mock.add(method, re.compile(".*"), body=requests.ConnectionError(*case.secrets))
        mock.assert_all_requests_are_fired = False

        with pytest.raises(Unreachable) as raised:
            case.provider.start_checkout(case.account, case.payment, URLS)

    assert raised.value.shopper.endswith(".")
    assert not any(secret in str(raised.value) for secret in case.secrets)


@each_provider
@pytest.mark.parametrize("status", [200, 201, 202, 203, 299])
def test_any_success_with_a_usable_body_is_one(case: Case, status: int) -> None:
    """P10, adelowo/gbowo#8, QuickPay/quickpay-php-client#44: which one it is differs from docs."""
    with responses.RequestsMock() as mock:
        answer(mock, case.created)
        for each in mock.registered():
            each.status = status

        assert case.provider.start_checkout(case.account, case.payment, URLS).next_action.url


@each_provider
@pytest.mark.parametrize("status", [200, 204, 302])
def test_a_success_without_a_usable_body_is_no_answer(case: Case, status: int) -> None:
    """P10: nor is a redirect, which we follow nowhere."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(
            responses.POST, re.compile(".*"), body="" if status == 204 else "<html>", status=status
        )

        with pytest.raises(Unreachable):
            case.provider.start_checkout(case.account, case.payment, URLS)


@each_provider
@pytest.mark.parametrize("status", [400, 401, 404])
@pytest.mark.parametrize("body", ["<html>Not Found</html>", "no", "", '{"message": ', "[]", "null"])
def test_a_refusal_is_an_answer_even_where_its_words_cannot_be_read(
    case: Case, status: int, body: str
) -> None:
    """P11, juspay/hyperswitch#3675: it was taken for silence, and asked again for ever."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.POST, responses.GET, responses.PUT):
            mock.add(method, re.compile(".*"), body=body, status=status, content_type="text/html")

        with pytest.raises(Rejected):
            case.provider.start_checkout(case.account, case.payment, URLS)


@each_provider
def test_a_byte_order_mark_before_an_answer_is_ignored(case: Case) -> None:
    """P18, RFC 8259 8.1, aacerox/node-rest-client#197."""
    with responses.RequestsMock() as mock:
        answer(mock, case.created)
        for each in mock.registered():
            each.body = BOM_UTF8 + str(each.body).encode()

        assert case.provider.start_checkout(case.account, case.payment, URLS).next_action.url


@each_that_proves
def test_a_proven_delivery_says_paid_in_minor_units(case: Case) -> None:
    (news,) = case.provider.read_webhook(case.account, *case.paid)

    assert isinstance(news, News)
    assert news.status == "succeeded"
    assert news.status in LADDER
    assert news.amount in (case.payment.amount, None)
    assert news.currency in (case.payment.currency, None)
    assert case.payment.provider_reference == news.provider_reference
    assert news.event_key


@each_that_proves
def test_each_piece_of_news_says_what_proved_it(case: Case) -> None:
    """The header or field that it names is the one without which nothing is proven.

    News that the shop has no use for is kept, and proven as well.
    """
    for message in case.messages:
        deliveries = [message.paid()]
        if message.of_no_use:
            deliveries.append(message.swapped(message.of_no_use))
        for delivery in deliveries:
            for news in case.provider.read_webhook(case.account, *delivery):
                assert isinstance(news, News)
                assert isinstance(news.proof, Proof)
                where, said = news.proof.where, str(news.proof)
                assert said.startswith(where)
                assert not any(secret in said for secret in case.secrets)
                assert message.proof.read(delivery) not in said
                for spoiled in (spoil(delivery, where, keep=1), spoil(delivery, where, keep=0)):
                    with pytest.raises(Unproven):
                        case.provider.read_webhook(case.account, *spoiled)


def spoil(delivery: Delivery, where: str, keep: int) -> Delivery:
    """The value of that header or field, of JSON or a form, cut off after ``keep`` characters."""
    headers, body = delivery
    name = where.lower()
    if name in headers:
        return headers | {name: headers[name][:keep]}, body
    value = rb'(^|&|\{|, )("?)' + where.encode() + rb'("?: "|=)([^"&]*)'
    assert len(re.findall(value, body)) == 1, f"{where} is neither a header nor a field"
    return headers, re.sub(value, lambda it: it[0][: len(it[0]) - len(it[4]) + keep], body)


@each_provider
def test_what_a_provider_answers_is_proven_by_having_asked(case: Case) -> None:
    with responses.RequestsMock() as mock:
        answer(mock, case.found)

        (news,) = case.provider.fetch_payment(case.account, case.payment)

    assert news.status in LADDER
    path = urlsplit(case.found.url).path
    assert str(news.proof) == f"the provider's own answer to GET {path}"


@each(lambda case: case.signed_return)
def test_a_return_that_proves_success_says_by_what(case: Case) -> None:
    """Spoiled, it is a hint."""
    assert case.signed_return
    assert isinstance(case.provider, ReadsReturns)
    signed = case.signed_return
    reference = case.payment.provider_reference or ""
    args = signed.query(reference, signed.total, signed.key)

    news = case.provider.read_return(case.account, case.payment, args)

    assert isinstance(news, News)
    assert news.proof
    assert news.proof.where == signed.proof
    spoiled = args | {news.proof.where: args[news.proof.where][:-1]}
    assert isinstance(case.provider.read_return(case.account, case.payment, spoiled), Hint)


@each_that_pings
def test_a_delivery_that_proves_nothing_only_names_the_payment(case: Case) -> None:
    assert case.ping
    reference = case.payment.provider_reference or ""

    found = case.provider.read_webhook(case.account, *case.ping(reference))

    assert found == [Ping(reference)]


@pytest.mark.parametrize("reference", ["tr_WDqYK6vllg", "x", "!" * 100])
def test_a_ping_names_a_payment_by_the_providers_id(reference: str) -> None:
    assert Ping(reference).reference == reference


@pytest.mark.parametrize("reference", ["", " ", "a b", "a\n", "a\0", "é", "１", "x" * 101])
def test_an_id_that_a_stranger_may_have_written_is_checked_before_it_is_stored(
    reference: str,
) -> None:
    """A15: a ping proves nothing, so its id is as good as typed by hand."""
    with pytest.raises(Malformed):
        Ping(reference)


@each_that_proves
def test_the_same_delivery_has_the_same_key(case: Case) -> None:
    first = case.provider.read_webhook(case.account, *case.paid)

    assert case.provider.read_webhook(case.account, *case.paid) == first


@each_that_proves
def test_without_its_proof_a_delivery_is_refused(case: Case) -> None:
    """A1, A2: one byte is enough."""
    headers, body = case.paid
    spoiled = body.replace(case.secrets[0].encode(), b"guessed") + b" "

    for attempt in (({}, spoiled), (headers, spoiled)):
        with pytest.raises(Unproven) as refused:
            case.provider.read_webhook(case.account, *attempt)
        assert refused.value.http_status == 401
    with pytest.raises(WebhookRefused):
        case.provider.read_webhook(case.account, headers, b"")


@each_provider
@given(body=st.binary(max_size=300), name=st.sampled_from(["x-signature", "hmac", "host"]))
def test_no_delivery_whatever_raises_anything_else(case: Case, body: bytes, name: str) -> None:
    """A15."""
    with pytest.raises(WebhookRefused):
        case.provider.read_webhook(case.account, {name: body.hex()}, body)


@each_that_proves
def test_what_is_kept_of_a_delivery_holds_no_secret(case: Case) -> None:
    kept = case.paid[1].decode()
    if isinstance(case.provider, HidesSecrets):
        kept = case.provider.keep_body(case.account, case.paid[1])

    assert kept
    assert not any(secret in kept for secret in case.secrets)


@each_provider
@given(args=st.dictionaries(st.sampled_from(["status", "id", "hash", "total", "x"]), st.text()))
def test_a_return_typed_by_hand_proves_nothing(case: Case, args: dict[str, str]) -> None:
    """G1."""
    if isinstance(case.provider, ReadsReturns):
        assert isinstance(case.provider.read_return(case.account, case.payment, args), Hint)


@each_provider
def test_a_payment_that_the_provider_has_not_named_cannot_be_asked_about(case: Case) -> None:
    unnamed = replace(case.payment, provider_reference=None)

    assert case.provider.fetch_payment(case.account, unnamed) == []


@each_provider
@pytest.mark.parametrize("code", [None, "", "declined", "an unknown code"])
def test_a_failure_is_explained_in_a_sentence(case: Case, code: str | None) -> None:
    assert explain(case.provider, case.account, code).endswith(".")


@each_provider
def test_the_account_shows_none_of_its_secrets(case: Case) -> None:
    """I1."""
    assert not any(secret in repr(case.account) for secret in case.secrets)
