"""HitPay's form: signed over sorted fields, and one reading only."""

import itertools
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers import hitpay
from providers.contract import (
    Malformed,
    Unproven,
)

from .case import (
    ACCOUNT,
    FORM,
    FORM_HMAC,
    REQUEST_ID,
    SALT,
    VECTOR,
    form,
    sign,
)
from .reading import C1, C2, OTHER_REQUEST, read_form


@pytest.mark.parametrize(
    ("changes", "signature"),
    [
        pytest.param({}, FORM_HMAC, id="sample"),
        pytest.param(
            {"reference_number": "Order #7 + café", "phone": "+6591234567"},
            "8f2d899f7900ce4dc95584e84155d26b9161653ec22a6c62b2174817427da9d4",
            id="decoded",
        ),
        pytest.param(
            {"payment_id": "", "status": "failed", "error_message": "Card declined"},
            "2efbcf79c69a17d759d73492df58cd6061a3e601d75cd957f0e1d21aa7b0d7b8",
            id="field_added",
        ),
        pytest.param(
            {"reference_number": "", "phone": "0"},
            "1330e5cc1e02b3a8200d3c8c8629bfbaab1778cdcad37990986a510227d07b68",
            id="empty_and_zero",
        ),
    ],
)
def test_the_vectors_that_three_other_verifiers_accept(
    changes: dict[str, str], signature: str
) -> None:
    news = read_form(form(signature, **changes))

    assert (news.amount, news.currency) == (59900, "SGD")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(
            "aad6274492e534fad65818dc6cef8069c8681fa58f3cab4be7be674ecaafcbbe", id="empty_left_out"
        ),
        pytest.param(
            "e5e01b6c76ee82b4d44d2ec10ea0e2e43ba18a8f7e7feccc28352141528fb1fe", id="values_only"
        ),
        pytest.param(FORM_HMAC.upper(), id="upper_case"),
        pytest.param(FORM_HMAC[:-1], id="truncated"),
        pytest.param(f"sha256={FORM_HMAC}", id="prefixed"),
        pytest.param("é" * 64, id="not_ascii"),
        pytest.param(" ", id="blank"),
    ],
)
def test_a_form_signed_in_another_way_is_refused(signature: str) -> None:
    """A1, A3."""
    with pytest.raises(Unproven, match="hmac differs"):
        read_form(form(signature))


@pytest.mark.parametrize(
    "value",
    ["D'Souza", "O\u2019Brien & Söhne", "1+1=2", "100 %41", "a&b=c;d", "雅婷", "\r\n", "%"],
)
def test_a_form_signed_by_openssl_is_accepted_whatever_is_in_it(value: str) -> None:
    """What is signed are the values as they were before any encoding."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl is part of every system that these tests run on"
    fields = FORM | {"reference_number": value}
    joined = "".join(name + value for name, value in sorted(fields.items()))
    made = subprocess.run(
        [openssl, "dgst", "-sha256", "-hmac", SALT, "-r"],
        input=joined.encode(),
        capture_output=True,
        check=True,
    )

    for quoting in (urlencode(fields), urlencode(fields, quote_via=quote)):
        body = f"{quoting}&hmac={made.stdout.split()[0].decode()}".encode()
        assert read_form(body).status == "succeeded"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda b: b.replace(b"599.00", b"599.01"), id="amount"),
        pytest.param(lambda b: b + b"&extra=", id="field_added"),
        pytest.param(lambda b: b.replace(b"&phone=", b""), id="empty_field_removed"),
        pytest.param(lambda b: b.replace(b"&reference_number=ABC123", b""), id="field_removed"),
        pytest.param(lambda b: b + b"&amount=599.00", id="field_repeated"),
        pytest.param(lambda b: b + b"&hmac=" + FORM_HMAC.encode(), id="hmac_repeated"),
        pytest.param(lambda b: b.replace(b"hmac=", b"signature="), id="hmac_renamed"),
        pytest.param(lambda b: b.replace(b"SGD", b"%FF"), id="invalid_utf_8"),
        pytest.param(lambda b: b.replace(b"SGD", b"\xff"), id="raw_invalid_utf_8"),
        pytest.param(lambda b: b + b"".join(b"&a%d=" % n for n in range(60)), id="many_fields"),
        pytest.param(lambda b: json.dumps(dict(parse_qsl(b.decode()))).encode(), id="as_json"),
        pytest.param(lambda b: b"", id="empty"),
    ],
)
def test_a_changed_form_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """A2."""
    with pytest.raises(Unproven):
        read_form(spoil(form()))


def test_the_order_of_the_fields_does_not_matter() -> None:
    pairs = reversed(parse_qsl(form().decode(), keep_blank_values=True))

    assert read_form(urlencode(list(pairs)).encode()) == read_form(form())


def test_a_failed_form_holds_its_message() -> None:
    news = read_form(form(status="failed", payment_id="", error_message="Card\ndeclined"))

    assert (news.status, news.failure_message) == ("pending", "Card declined")


def test_version_1_names_the_charge_so_that_a_second_one_is_noticed() -> None:
    assert read_form(form()).transaction_id == FORM["payment_id"]
    assert read_form(form(status="failed", payment_id="")).transaction_id is None


def test_what_is_kept_does_not_hold_the_signature() -> None:
    kept = hitpay.keep_body(ACCOUNT, form())

    assert FORM_HMAC not in kept
    assert "reference_number=ABC123" in kept
    assert hitpay.keep_body(ACCOUNT, VECTOR) == VECTOR.decode()


def signed(fields: dict[str, str]) -> bytes:
    return form_with(fields, sign(joined(fields).encode(), SALT))


def joined(fields: dict[str, str]) -> str:
    return "".join(name + fields[name] for name in sorted(fields))


def form_with(fields: dict[str, str], signature: str) -> bytes:
    return urlencode(fields | {"hmac": signature}).encode()


def is_believed(fields: dict[str, str], signature: str) -> bool:
    try:
        read_form(form_with(fields, signature))
    except Malformed:
        return False
    return True


NAMES = sorted([*FORM, "error_message"])


def cuts(text: str, names: list[str]) -> Iterator[dict[str, str]]:
    """Each way in which a signed text can be cut at documented names, which must be sorted."""
    if not text:
        yield {}
    for number, name in enumerate(names):
        if text.startswith(name):
            rest = text[len(name) :]
            for end in range(len(rest) + 1):
                for others in cuts(rest[end:], names[number + 1 :]):
                    yield {name: rest[:end]} | others


VICTIM = f"payment_request_id{OTHER_REQUEST}"


PIECES = [*NAMES, VICTIM, f"payment_id{C2}", C1, "completed", "599.00", "SGD", "A", "+65", "é"]
PIECES += ["reference_numbe", "eference_number", "statu", "tatus", "phon", "hone"]


texts = st.lists(st.sampled_from(PIECES), max_size=3).map("".join)


@example(phone=f"{VICTIM}phone", reference="ABC123", error=None)
@example(phone="reference_numbe", reference="A", error=None)
@example(phone="", reference="Astatu", error=None)
@example(phone=f"payment_id{C2}{VICTIM}phone", reference="A", error="declined")
@given(texts, texts, st.none() | texts)
def test_a_signed_form_can_be_cut_into_other_fields_but_is_believed_as_one(
    phone: str, reference: str, error: str | None
) -> None:
    """T01: names and values are joined without a boundary, so the ``hmac`` covers every cut."""
    fields = FORM | {"phone": phone, "reference_number": reference}
    fields |= {} if error is None else {"error_message": error}
    signature = sign(joined(fields).encode(), SALT)

    believed = [cut for cut in cuts(joined(fields), NAMES) if is_believed(cut, signature)]

    assert believed in ([], [fields])


def test_the_cut_that_pays_another_order_is_refused() -> None:
    """T01: the payer's phone number names the payment request of another order."""
    genuine = FORM | {"phone": f"{VICTIM}phone"}
    swallowed = f"{C1}payment_request_id{FORM['payment_request_id']}phone"
    cut = FORM | {"payment_id": swallowed, "payment_request_id": OTHER_REQUEST}
    assert joined(cut) == joined(genuine), "the same hmac"

    with pytest.raises(Malformed, match="payment_id"):
        read_form(signed(cut))


@given(st.data())
def test_a_genuine_form_cut_anywhere_is_refused(data: st.DataObject) -> None:
    """T01: into names that are not documented, too."""
    text = joined(FORM)
    places = st.lists(st.integers(1, len(text) - 1), min_size=1, max_size=15, unique=True)
    ends = [0, *sorted(data.draw(places)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(ends)]
    pieces += [""] * (len(pieces) % 2)
    cut = dict(zip(pieces[::2], pieces[1::2], strict=True))

    if cut != FORM and joined(cut) == text:
        assert not is_believed(cut, sign(text.encode(), SALT))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"payment_id": "c1"}, id="payment_id"),
        pytest.param({"payment_id": C1.upper()}, id="payment_id_in_capitals"),
        pytest.param({"payment_id": f"{C1}\n"}, id="payment_id_with_line_end"),
        pytest.param({"payment_id": "x" * 95}, id="payment_id_of_95"),
        pytest.param({"payment_request_id": ""}, id="no_request"),
        pytest.param({"payment_request_id": "../../v1/charges"}, id="path"),
        pytest.param({"payment_request_id": REQUEST_ID.replace("-", "")}, id="without_dashes"),
        pytest.param({"amount": "599.00currencySGD"}, id="amount_and_currency"),
        pytest.param({"amount": "599.00 "}, id="amount_with_blank"),
        pytest.param({"currency": "SGDX"}, id="four_letters"),
        pytest.param({"currency": "S$D"}, id="no_letters"),
        pytest.param({"status": "completed\n"}, id="status_with_line_end"),
        pytest.param({"status": ""}, id="no_status"),
        pytest.param({"status": "x" * 41}, id="long_status"),
        pytest.param({"phone": "0" * 256}, id="long_phone"),
        pytest.param({"phone": "my phone"}, id="phone_holds_a_name"),
        pytest.param({"reference_number": "paid, status"}, id="reference_holds_a_name"),
        pytest.param({"error_message": f"no{VICTIM}"}, id="error_holds_a_name"),
        pytest.param({"buyer_name": "Ann"}, id="field_that_is_not_documented"),
        pytest.param({"": "x"}, id="field_without_a_name"),
    ],
)
def test_a_form_that_is_not_as_documented_is_refused(changes: dict[str, str]) -> None:
    """T01, A15."""
    with pytest.raises(Malformed) as refused:
        read_form(signed(FORM | changes))
    assert refused.value.http_status == 400


@pytest.mark.parametrize("name", FORM)
def test_a_form_that_lacks_a_field_is_refused(name: str) -> None:
    """T01."""
    with pytest.raises(Malformed, match="not the documented fields"):
        read_form(signed({each: value for each, value in FORM.items() if each != name}))
