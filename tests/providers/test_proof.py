"""``providers/proof.py``: what proves a delivery, and that nothing beside it does."""

import hashlib
import hmac
from collections.abc import Callable

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from providers.contract import Unproven, WrongEnvironment
from providers.proof import TOLERANCE, by_answer, check_environment, check_hmac, check_timed_hmac

NOW = 1_700_000_000
BODY = b'{"id":"evt_1"}'
SECRET = "whsec_kiln_and_kettle"
#: Made by ``openssl dgst -sha256 -hmac whsec_kiln_and_kettle`` over ``1700000000.{"id":"evt_1"}``.
VECTOR = "c3fd423d0db842c79105bc4c4d48933374d56fcb637d93e2d0970936c8ab58dc"
#: RFC 4231, test cases 1 and 2.
RFC_4231 = [
    ("\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        *("Jefe", b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
]

secrets = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())


def sign(signed: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def timed(stamp: object, body: bytes = BODY, *keys: str) -> str:
    """A header that signs this moment, with one signature for each of the keys."""
    signatures = [sign(f"{stamp}.".encode() + body, key) for key in keys or (SECRET,)]
    return ",".join([f"t={stamp}", *(f"v1={each}" for each in signatures)])


# ------------------------------------------------------------------ plain


@pytest.mark.parametrize(("key", "text", "digest"), RFC_4231)
def test_a_published_vector_is_accepted(key: str, text: bytes, digest: str) -> None:
    proof = check_hmac("x-signature", digest, text, [key])

    assert str(proof) == "x-signature, HMAC-SHA256 over the raw body"
    check_hmac("x-signature", f"sha256={digest}", text, ["other", key], prefix="sha256=")


@given(body=st.binary(max_size=200), keys=st.lists(secrets, min_size=1, max_size=3, unique=True))
def test_either_key_signs_while_one_is_replaced(body: bytes, keys: list[str]) -> None:
    """A6."""
    for key in keys:
        check_hmac("x-signature", sign(body, key), body, keys)
        with pytest.raises(Unproven):
            check_hmac("x-signature", sign(body + b" ", key), body, keys)


@given(
    forged=st.lists(st.text(max_size=70).filter(lambda text: "," not in text), max_size=5),
    place=st.integers(0, 5),
)
def test_of_several_signatures_in_one_header_any_one_may_match(
    forged: list[str], place: int
) -> None:
    """A provider that replaces its key signs with both for a while."""
    several = [*forged[:place], sign(BODY), *forged[place:]]

    check_hmac("x-signature", ", ".join(several), BODY, [SECRET], separator=",")
    with pytest.raises(Unproven):
        check_hmac("x-signature", ", ".join(forged), BODY, [SECRET], separator=",")


def test_a_header_of_one_signature_holds_no_second() -> None:
    """Only where a provider documents several, a separator is given."""
    with pytest.raises(Unproven, match="x-signature differs"):
        check_hmac("x-signature", f"{sign(BODY)},{sign(BODY)}", BODY, [SECRET])


@pytest.mark.parametrize("given", ["", ",", " , "])
def test_no_signature_is_missing_not_different(given: str) -> None:
    with pytest.raises(Unproven, match="x-signature is missing"):
        check_hmac("x-signature", given, BODY, [SECRET], separator=",")


@pytest.mark.parametrize("ours", [[], [""], ["", ""]])
def test_without_a_secret_nothing_is_proven(ours: list[str]) -> None:
    """A4: HMAC takes an empty key as well."""
    for made in ("", sign(BODY, "")):
        with pytest.raises(Unproven):
            check_hmac("x-signature", made, BODY, ours, separator=",")
        with time_machine.travel(NOW), pytest.raises(Unproven):
            check_timed_hmac("x-signature", f"t={NOW},v1={made}", BODY, ours)


# ------------------------------------------------------------------ with the moment of signing


@time_machine.travel(NOW, tick=False)
def test_a_signature_with_its_moment_is_accepted() -> None:
    proof = check_timed_hmac("stripe-signature", f"t={NOW},v1={VECTOR}", BODY, [SECRET])

    assert str(proof) == "stripe-signature, HMAC-SHA256 over time stamp and raw body"


def test_what_was_signed_is_named_where_it_is_not_the_body() -> None:
    proof = check_hmac("hmac", sign(BODY), BODY, [SECRET], over="the sorted fields")

    assert str(proof) == "hmac, HMAC-SHA256 over the sorted fields"


def test_an_answer_is_proven_by_the_call_that_it_answers() -> None:
    said = "the provider's own answer to GET /payments/p1"

    assert str(by_answer("/payments/p1")) == said


@time_machine.travel(NOW, tick=False)
@given(body=st.binary(max_size=200), key=secrets, age=st.integers(-TOLERANCE, TOLERANCE))
def test_clocks_may_differ_by_the_tolerance(body: bytes, key: str, age: int) -> None:
    """A21, in both directions."""
    check_timed_hmac("stripe-signature", timed(NOW - age, body, key), body, ["other", key])


@time_machine.travel(NOW, tick=False)
@given(age=st.integers(TOLERANCE + 1, NOW), future=st.booleans())
def test_a_correct_signature_that_is_stale_proves_nothing(age: int, future: bool) -> None:
    """A21: a captured delivery is of no use for longer than the tolerance."""
    stamp = NOW + age if future else NOW - age

    with pytest.raises(Unproven, match="seconds ago"):
        check_timed_hmac("stripe-signature", timed(stamp), BODY, [SECRET])


@time_machine.travel(NOW, tick=False)
def test_the_tolerance_is_the_callers() -> None:
    check_timed_hmac("stripe-signature", timed(NOW - 10), BODY, [SECRET], tolerance=10)
    with pytest.raises(Unproven, match="seconds ago"):
        check_timed_hmac("stripe-signature", timed(NOW - 11), BODY, [SECRET], tolerance=10)


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("keys", [(SECRET, "old"), ("old", SECRET), ("a", "b", SECRET, "c")])
def test_a_header_may_be_signed_with_several_keys(keys: tuple[str, ...]) -> None:
    check_timed_hmac("stripe-signature", timed(NOW, BODY, *keys), BODY, [SECRET])
    with pytest.raises(Unproven):
        check_timed_hmac("stripe-signature", timed(NOW, BODY, *keys), BODY, ["another"])


SPOIL: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "no_time": lambda given: given.partition(",")[2],
    "time_blank": lambda given: given.replace(f"t={NOW}", "t="),
    "time_signed": lambda given: given.replace("t=", "t=+"),
    "time_with_a_space": lambda given: given.replace("t=", "t= "),
    "time_in_other_digits": lambda given: given.replace("1", "１", 1),
    "time_of_5000_digits": lambda given: given.replace("t=", "t=" + "0" * 5000),
    "another_time": lambda given: given.replace(str(NOW), str(NOW + 1)),
    "two_times": lambda given: f"{given},t={NOW + 1}",
    "the_same_time_twice": lambda given: f"{given},t={NOW}",
    "no_signature": lambda given: given.partition(",")[0],
    "another_scheme": lambda given: given.replace("v1=", "v0="),
    "upper_case": lambda given: given.replace(VECTOR, VECTOR.upper()),
    "one_digit_less": lambda given: given[:-1],
    "one_digit_more": lambda given: given + "0",
    "without_names": lambda given: given.replace("t=", "").replace("v1=", ""),
    "of_the_body_alone": lambda given: given.replace(VECTOR, sign(BODY)),
    "with_another_key": lambda given: given.replace(VECTOR, sign(f"{NOW}.".encode() + BODY, "x")),
}


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_header_that_is_spoiled_in_one_place_proves_nothing(spoil: Callable[[str], str]) -> None:
    header = spoil(timed(NOW))

    with pytest.raises(Unproven) as refused:
        check_timed_hmac("stripe-signature", header, BODY, [SECRET])

    assert VECTOR not in str(refused.value)


@time_machine.travel(NOW, tick=False)
@given(header=st.text(max_size=200), body=st.binary(max_size=50))
def test_no_header_whatever_raises_anything_else(header: str, body: bytes) -> None:
    """A15."""
    with pytest.raises(Unproven):
        check_timed_hmac("stripe-signature", header, body, [SECRET])


@time_machine.travel(NOW, tick=False)
@given(place=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_bit_of_the_body_is_enough(place: int, bit: int) -> None:
    """A2."""
    spoiled = bytearray(BODY)
    spoiled[place] ^= 1 << bit

    with pytest.raises(Unproven):
        check_timed_hmac("stripe-signature", timed(NOW), bytes(spoiled), [SECRET])


@pytest.mark.parametrize(("theirs", "ours"), [("live", "live"), (False, False), (True, True)])
def test_news_of_the_same_environment_is_taken(theirs: object, ours: object) -> None:
    check_environment("environment", theirs, ours)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("test", "live"), ("live", "test"), (None, "test"), (False, True), (0, False), (None, False)],
)
def test_news_of_another_environment_or_of_none_is_refused(theirs: object, ours: object) -> None:
    with pytest.raises(WrongEnvironment, match=r"^livemode is "):
        check_environment("livemode", theirs, ours)
