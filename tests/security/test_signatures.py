"""Is it really from the provider? What forgers send, for each of the six ways to prove a delivery.

Required of every row: the refusal that stands beside it, all tables as they were, one audit line
without body and key, no word of a secret in the log. After all of them the true delivery counts.
"""

import json
import random
from collections.abc import Callable
from dataclasses import fields, replace
from urllib.parse import parse_qsl

import pytest

from providers.contract import Configured, WebhookRefused
from tests.providers import cases
from tests.providers.proofs import Delivery, InBody, InForm

from .attacked_shop import AttackedShop
from .senders import SENDERS, Sender, as_base64, by, each_form, each_sender, each_signed_json

Forge = Callable[[Sender, Delivery, str], str | None]

#: What is sent in place of the true proof; all are answered 401.
PROOFS: dict[str, Forge] = {
    "missing": lambda sender, sent, true: None,
    "empty": lambda sender, sent, true: "",
    "upper_case": lambda sender, sent, true: true.upper(),
    "prefixed": lambda sender, sent, true: f"sha256={true}",
    "prefix_cut_off_or_another": lambda sender, sent, true: (
        true.removeprefix("sha256=") if true.startswith("sha256=") else f"sha512={true}"
    ),
    "truncated": lambda sender, sent, true: true[:-1],
    "first_half": lambda sender, sent, true: true[: len(true) // 2],
    "longer": lambda sender, sent, true: f"{true}0",
    "two_of_them": lambda sender, sent, true: f"{true},{true}",
    "white_space": lambda sender, sent, true: f"{true[:8]} {true[8:]}",
    "nul": lambda sender, sent, true: f"{true}%00",
    "not_ascii": lambda sender, sent, true: "é" * len(true),
    "base64": lambda sender, sent, true: as_base64(true),
    "sha1": lambda sender, sent, true: by("sha1", sender, sent, sender.secret),
    "md5": lambda sender, sent, true: by("md5", sender, sent, sender.secret),
    "wrong_secret": lambda sender, sent, true: by("sha256", sender, sent, "guessed"),
    "empty_secret": lambda sender, sent, true: by("sha256", sender, sent, ""),
    "provider_name_as_secret": lambda sender, sent, true: by(
        "sha256", sender, sent, sender.provider
    ),
    "the_body_itself": lambda sender, sent, true: sent[1][:60].decode().replace("\n", " "),
}


def forged(sender: Sender, forge: Forge) -> Delivery:
    true = sender.paid()
    return sender.proof.put(true, forge(sender, true, sender.proof.read(true)))


@each_sender
@pytest.mark.parametrize("forge", PROOFS.values(), ids=PROOFS.keys())
def test_a_forged_proof_changes_nothing(
    target: AttackedShop, sender: Sender, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    """A1, A3, A10, A13, I2, I3: a correctly signed delivery with another proof."""
    with target.nothing_changes(audit=1):
        answer = target.deliver(forged(sender, forge))

    assert (answer.status_code, answer.data) == (401, b"")
    assert not any(secret in caplog.text for secret in sender.case.secrets)


@each_sender
def test_what_was_refused_does_not_block_the_true_delivery(
    attacked: AttackedShop, sender: Sender
) -> None:
    """A10: no "seen" mark is written before the proof; the true delivery still pays the order."""
    for forge in PROOFS.values():
        attacked.deliver(forged(sender, forge))

    answer = attacked.deliver(sender.paid())

    assert (answer.status_code, attacked.status(attacked.order_id)) == (200, "paid")


#: What is changed after signing; all are answered 401.
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "space_appended": lambda body: body + b" ",
    "line_feed_appended": lambda body: body + b"\n",
    "byte_order_mark": lambda body: b"\xef\xbb\xbf" + body,
    "empty": lambda body: b"",
    "cut_off": lambda body: body[:-1],
    "twice": lambda body: body + body,
    "re_serialised": lambda body: json.dumps(json.loads(body), indent=1).encode(),
    "keys_sorted": lambda body: json.dumps(dict(sorted(json.loads(body).items()))).encode() + b"\n",
    "duplicate_key": lambda body: body.replace(b"{", b'{"amount": 0.01, ', 1),
    "escape_spelled_otherwise": lambda body: body.replace(b'"event', b'"\\u0065vent', 1) + b"\t",
    "nul_appended": lambda body: body + b"\0",
    "utf_16": lambda body: body.decode().encode("utf-16"),
}


@each_signed_json
@pytest.mark.parametrize("change", BODIES.values(), ids=BODIES.keys())
def test_a_signature_of_another_body_changes_nothing(
    target: AttackedShop, sender: Sender, change: Callable[[bytes], bytes]
) -> None:
    """A2: the signature is over bytes, never over what they mean.

    HandCash signs nothing (H5): there the body must not change what it is about, see
    ``test_orders_of_others.py``.
    """
    headers, body = sender.paid()

    with target.nothing_changes(audit=1):
        answer = target.deliver((headers, change(body)))

    assert answer.status_code == 401


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "amount": lambda body: body.replace(b"599.00", b"0.01"),
    "currency": lambda body: body.replace(b"SGD", b"TTD"),
    "field_added": lambda body: body + b"&paid=1",
    "field_repeated_before": lambda body: b"amount=0.01&" + body,
    "field_repeated_after": lambda body: body + b"&amount=0.01",
    "hmac_repeated": lambda body: body + b"&" + body[body.index(b"hmac=") :],
    "array_brackets": lambda body: body.replace(b"amount=", b"amount[]="),
    "value_moved_into_the_name": lambda body: body.replace(b"currency=SGD", b"currencySGD="),
    "as_json": lambda body: json.dumps(dict(parse_qsl(body.decode()))).encode(),
}


@each_form
@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS.keys())
def test_a_changed_form_changes_nothing(
    target: AttackedShop, sender: Sender, change: Callable[[bytes], bytes]
) -> None:
    """A2, H3: names and values are joined without a boundary, so what is read must be plain."""
    headers, body = sender.paid()

    with target.nothing_changes(audit=1):
        answer = target.deliver((headers, change(body)))

    assert answer.status_code in (400, 401)


@each_sender
def test_the_proof_of_another_provider_proves_nothing(target: AttackedShop, sender: Sender) -> None:
    """A1, A7: true deliveries of every other provider, sent to this provider's address."""
    others = [other for other in SENDERS if other.provider != sender.provider]

    with target.nothing_changes(audit=len(others)):
        answers = [target.deliver(other.paid()).status_code for other in others]

    assert set(answers) <= {400, 401}


@each_sender
def test_a_proof_in_the_wrong_place_proves_nothing(target: AttackedShop, sender: Sender) -> None:
    """A1: in the query, a cookie, another header, a field of the body."""
    true = sender.paid()
    proof, (headers, body) = sender.proof.read(true), sender.proof.put(true, None)
    name = getattr(sender.proof, "name", "hmac")
    elsewhere: list[Delivery] = [
        ({**headers, "cookie": f"{name}={proof}"}, body),
        ({**headers, "authorization": f"Bearer {proof}"}, body),
        ({**headers, f"x-forwarded-{name}": proof}, body),
    ]

    with target.nothing_changes(audit=len(elsewhere) + 1):
        answers = [target.deliver(each).status_code for each in elsewhere]
        answers.append(target.deliver((headers, body), query_string={name: proof}).status_code)

    assert set(answers) == {401}


@each_sender
def test_an_account_that_lost_its_secret_accepts_nothing(
    attacked: AttackedShop, sender: Sender
) -> None:
    """A4: never an HMAC with an empty key, and no empty secret in a body."""
    account = sender.case.account
    secrets = [message.secret for message in sender.case.messages]
    names = [
        each.name
        for each in fields(account)
        if isinstance(held := getattr(account, each.name), tuple) and set(held) & set(secrets)
    ]
    assert names
    for nothing in ((), ("",)):
        without = replace(account, **dict.fromkeys(names, nothing))
        configured = Configured(sender.case.provider, without)
        attacked.app.extensions["providers"][sender.provider] = configured
        true = sender.paid()
        for forged in (true, sender.proof.put(true, ""), sender.proof.put(true, None)):
            with attacked.nothing_changes(audit=1):
                assert attacked.deliver(forged).status_code == 401


# ------------------------------------------------------------------ N3: a byte, anywhere


def one_byte_off(chance: random.Random, text: bytes) -> bytes:
    """A byte of it becomes another one."""
    where = chance.randrange(len(text))
    return text[:where] + bytes([text[where] ^ chance.randrange(1, 256)]) + text[where + 1 :]


def spoiled(sender: Sender, chance: random.Random) -> tuple[Sender, Delivery]:
    """A true delivery with one byte changed: in the body, in the proof, or in the shop's secret.

    HandCash signs no body: there the byte is one of the secret, on either side.
    """
    true = sender.paid()
    kind = chance.choice(
        ["body", "proof", "secret"] if sender.message.signs else ["proof", "secret"]
    )
    if kind == "secret":
        wrong = one_byte_off(chance, sender.secret.encode()).decode("latin-1")
        return sender, sender.proof.seal(true, wrong)
    if kind == "body":
        return sender, (true[0], one_byte_off(chance, true[1]))
    proof = one_byte_off(chance, sender.proof.read(true).encode()).decode("latin-1")
    return sender, sender.proof.put(true, proof)


def says_the_same(sender: Sender, delivery: Delivery) -> bool:
    """``%2B`` and ``%2b`` in a form are the same fields, and those are what is signed."""
    if not isinstance(sender.proof, InForm):
        return False
    decoded = [
        parse_qsl(body.decode("utf-8", "surrogateescape"), keep_blank_values=True)
        for body in (delivery[1], sender.paid()[1])
    ]
    return sorted(decoded[0]) == sorted(decoded[1])


@each_sender
def test_no_delivery_with_one_byte_changed_is_believed(sender: Sender) -> None:
    """N3: a thousand of them; every one is refused, and in no other way."""
    chance = random.Random(f"one byte of {sender.name}")
    tried = 0

    while tried < 1_000:
        _, delivery = spoiled(sender, chance)
        if says_the_same(sender, delivery):
            continue
        tried += 1
        with pytest.raises(WebhookRefused):
            sender.case.provider.read_webhook(sender.case.account, *delivery)


@each_sender
def test_one_byte_changed_moves_no_row(target: AttackedShop, sender: Sender) -> None:
    """N3: the same through the shop, for a sample of them."""
    chance = random.Random(f"one byte of {sender.name}, in the shop")
    sent = 0

    with target.nothing_changes(audit=20):
        while sent < 20:
            _, (headers, body) = spoiled(sender, chance)
            plain = all(value.isprintable() and value.isascii() for value in headers.values())
            if plain and not says_the_same(sender, (headers, body)):
                assert target.deliver((headers, body)).status_code in (400, 401)
                sent += 1


def test_the_senders_are_all_providers() -> None:
    """A provider without a message here would have a hole in this suite."""
    proving = {name for name, case in cases().items() if not case.ping}

    assert {sender.provider for sender in SENDERS} == proving
    assert sum(isinstance(sender.proof, InBody) for sender in SENDERS) == 1, "one signs nothing"
