"""Addresses in one form, and which of them could be a live system's."""

import pytest

from providers import urls


@pytest.mark.parametrize(
    ("given", "known_as"),
    [
        ("HTTP://LocalHost:80/shop/", "http://localhost/shop"),
        ("https://Pay.Example:443", "https://pay.example"),
        ("https://pay.example:8443/a?b=c", "https://pay.example:8443/a?b=c"),
        ("http://[0:0:0:0:0:0:0:1]:5016", "http://[::1]:5016"),
        ("https://Straße.example", "https://xn--strae-oqa.example"),
    ],
)
def test_an_address_has_one_form(given: str, known_as: str) -> None:
    assert urls.canonical(given) == known_as
    assert urls.canonical(known_as) == known_as


@pytest.mark.parametrize(
    "given", ["ftp://pay.example", "pay.example", "https://a b", "https://user@pay.example", ""]
)
def test_what_is_no_web_address_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"is|holds|must"):
        urls.canonical(given)


def test_an_origin_ends_after_the_port() -> None:
    assert urls.origin("https://pay.example:8443/path?x#y") == "https://pay.example:8443"
    with pytest.raises(ValueError, match="must end after host and port"):
        urls.canonical_origin("https://pay.example/path")


@pytest.mark.parametrize(
    ("given", "live"),
    [
        ("https://api.pay.example", True),
        ("https://api.sandbox.pay.example", False),
        ("https://staging.pay.example", False),
        ("https://latest.pay.example", True),
        ("http://api.pay.example", False),
        ("https://localhost", False),
        ("https://10.0.0.1", False),
    ],
)
def test_a_host_says_whether_it_could_be_live(given: str, live: bool) -> None:
    assert urls.is_live(given) is live
