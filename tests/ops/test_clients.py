"""The client's address behind proxies, how limits count it, and whether it is this machine."""

import logging
import threading
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from flask import Flask, request
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import clients
from ops.clients import client_address, client_of, is_own_machine

PROXY = "10.0.0.9"
ANN, EVE = "203.0.113.9", "198.51.100.66"
Headers = dict[str, str] | Sequence[tuple[str, str]]


def shop(proxies: int) -> Flask:
    """As much of the shop as this module needs."""
    app = Flask(__name__)
    app.extensions["settings"] = SimpleNamespace(trusted_proxies=proxies)
    clients.watch_for_uncounted_proxies(app)
    app.add_url_rule("/", "index", lambda: "")
    return app


def key_of(headers: Headers, proxies: int = 1, peer: str = PROXY) -> str:
    with shop(proxies).test_request_context(
        headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    ):
        return client_of(request)


SAME_CLIENT = [
    pytest.param("203.0.113.9", "203.0.113.9", id="ipv4"),
    pytest.param(" 203.0.113.9 ", "203.0.113.9", id="blanks"),
    pytest.param("203.0.113.9:40000", "203.0.113.9", id="port"),
    pytest.param("203.0.113.9:_p", "203.0.113.9", id="hidden-port"),
    pytest.param("::ffff:203.0.113.9", "203.0.113.9", id="mapped"),
    pytest.param("::FFFF:cb00:7109", "203.0.113.9", id="mapped-in-hex"),
    pytest.param("0:0:0:0:0:ffff:203.0.113.9", "203.0.113.9", id="mapped-in-full"),
    pytest.param("[::ffff:203.0.113.9]:443", "203.0.113.9", id="mapped-with-port"),
    pytest.param("::ffff:203.0.113.9%eth0", "203.0.113.9", id="mapped-with-scope"),
    pytest.param("64:ff9b::203.0.113.9", "203.0.113.9", id="nat64"),
    pytest.param("2002:cb00:7109:7::1", "203.0.113.9", id="6to4"),
    pytest.param("2001:0:4136:e378:8000:63bf:34ff:8ef6", "203.0.113.9", id="teredo"),
    pytest.param("2001:db8:1:2::1", "2001:db8:1:2::/64", id="ipv6"),
    pytest.param("2001:DB8:1:2:FFFF::14", "2001:db8:1:2::/64", id="neighbour-in-capitals"),
    pytest.param("2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2::/64", id="in-full"),
    pytest.param("[2001:db8:1:2::1]", "2001:db8:1:2::/64", id="brackets"),
    pytest.param("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64", id="brackets-and-port"),
    pytest.param("2001:db8:1:3::1", "2001:db8:1:3::/64", id="next-household"),
    pytest.param("fe80::1%eth0", "fe80::/64", id="scope"),
    pytest.param("[fe80::1%25eth0]:443", "fe80::/64", id="scope-in-brackets"),
    pytest.param("::1", "::/64", id="loopback-v6"),
]


@pytest.mark.parametrize(("spelling", "key"), SAME_CLIENT)
def test_a_limit_counts_clients_not_spellings(spelling: str, key: str) -> None:
    """P6, S07: getgrav/grav-plugin-login#204, zulip/zulip#21544, express-rate-limit#234.

    By X-Forwarded-For, by Forwarded, and of the connection itself.
    """
    assert key_of({"X-Forwarded-For": spelling}) == key
    assert key_of({"Forwarded": f'for="{spelling.strip()}"'}) == key
    assert key_of({}, peer=spelling) == key


NO_ADDRESS = ["", " ", "unknown", "_hidden", "_SEVKISEK", "x" * 9_000, "203.0.113", "203.0.113.9.1"]
NO_ADDRESS += [
    "0203.0.113.9",
    "localhost",
    "[]",
    "[203.0.113.9",
    "::ffff:",
    "2001:db8:::1",
    "é",
    "%",
]


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_no_address_counts_as_the_proxy_that_sent_it(text: str) -> None:
    """S07: so that no limit's key is a text of a client's choice; RFC 7239 6.2, 6.3."""
    assert key_of({"X-Forwarded-For": text}) == PROXY
    assert key_of({"Forwarded": f"for={text}"}) == PROXY
    assert key_of({}, peer=text) == "unknown"


FORWARDED = [
    ("for=203.0.113.9", ANN),
    ("For=203.0.113.9;proto=https;by=10.0.0.9;host=shop.example", ANN),
    ("proto=https; for=203.0.113.9", ANN),
    ('for="203.0.113.9:47011"', ANN),
    ("for=203.0.113.9:47011", ANN),
    ('for="[2001:db8::1]:4711"', "2001:db8::/64"),
    ('FOR="[2001:DB8::1]";', "2001:db8::/64"),
    ("for=[2001:db8::1]:4711", "2001:db8::/64"),
    ("for=198.51.100.66, for=203.0.113.9", ANN),
    ('for=198.51.100.66;host="a,for=198.51.100.66",for=203.0.113.9', ANN),
    ('host="x;for=198.51.100.66";for=203.0.113.9', ANN),
    ('for=203.0.113.9;host="x;for=198.51.100.66"', ANN),
    ('for=203.0.113.9;host="x,for=198.51.100.66"', PROXY),
    (r'for=203.0.113.9;host="x,for=198.51.100.66;a=\""', PROXY),
    ("203.0.113.9", PROXY),
    ("by=203.0.113.9", PROXY),
    ("for=unknown", PROXY),
    ('for="_gazonk"', PROXY),
    ("for=203.0.113.9;;", PROXY),
    ("for=", PROXY),
]


@pytest.mark.parametrize(("value", "key"), FORWARDED)
def test_the_forwarded_header_is_read_as_the_standard_writes_it(value: str, key: str) -> None:
    """P6, S07: RFC 7239 4 and 6, and addresses without quotes, which some proxies send."""
    assert key_of({"Forwarded": value}) == key


def chain(header: str, *addresses: str) -> dict[str, str]:
    words = "for={}" if header == "Forwarded" else "{}"
    return {header: ", ".join(words.format(each) for each in addresses)}


each_header = pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])


@each_header
@pytest.mark.parametrize(
    ("proxies", "addresses", "key"),
    [
        (0, [ANN], PROXY),
        (0, [EVE, ANN], PROXY),
        (1, [ANN], ANN),
        (1, [EVE, ANN], ANN),
        (1, ["127.0.0.1", ANN], ANN),
        (2, [ANN, "10.0.0.8"], ANN),
        (2, [EVE, ANN, "10.0.0.8"], ANN),
        (2, ["", "", ANN, "unknown"], ANN),
        (2, [ANN], PROXY),
        (2, [ANN, ""], ANN),
        (1, [EVE, ""], PROXY),
        (3, [EVE, ANN, "10.0.0.7", "10.0.0.8"], ANN),
        (3, [ANN, "10.0.0.8"], PROXY),
    ],
)
def test_as_many_addresses_are_believed_as_there_are_proxies(
    header: str, proxies: int, addresses: list[str], key: str
) -> None:
    """A20, S07: counted from the right; what a client wrote stands further left."""
    assert key_of(chain(header, *addresses), proxies) == key


def test_several_headers_of_one_name_are_one_list() -> None:
    """RFC 9110 5.3: a proxy may add a line instead of an entry."""
    for header in ("X-Forwarded-For", "Forwarded"):
        lines = [(header, value) for each in (EVE, ANN) for value in chain(header, each).values()]
        assert key_of(lines) == ANN
        assert key_of(lines, proxies=2) == EVE


@pytest.mark.parametrize("forged", [EVE, "127.0.0.1", "unknown", f"{EVE}, {EVE}", '"', ""])
def test_a_header_that_no_proxy_wrote_is_not_believed(forged: str) -> None:
    """A20, S07: a proxy passes the other header on as the client wrote it."""
    written = chain("X-Forwarded-For", ANN)
    assert key_of({**written, "Forwarded": f"for={forged}"}) in (ANN, PROXY)
    written = chain("Forwarded", ANN)
    assert key_of({**written, "X-Forwarded-For": forged}) in (ANN, PROXY)


def test_a_proxy_that_writes_both_headers_is_believed() -> None:
    both = {**chain("X-Forwarded-For", ANN), **chain("Forwarded", f"{ANN}:40000")}

    assert key_of(both) == ANN
    one_is_short = {**chain("X-Forwarded-For", EVE, ANN, PROXY), **chain("Forwarded", EVE)}
    assert key_of(one_is_short, proxies=2) == ANN


texts = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=80)
tricky = st.lists(st.sampled_from(['"', ",", ";", "\\", "for=", EVE, "[", "]", ":", " ", "=", "a"]))


@each_header
@settings(deadline=None)
@given(left=texts | tricky.map("".join))
def test_whatever_a_client_sends_before_the_proxys_entry_changes_nothing(
    header: str, left: str
) -> None:
    """A20, S07: an open quote least of all."""
    (entry,) = chain(header, ANN).values()

    assert key_of({header: f"{left},{entry}"}) == ANN


@settings(deadline=None)
@given(text=texts | tricky.map("".join))
def test_a_key_is_short_whatever_the_headers_say(text: str) -> None:
    """S07: neither counters nor log lines hold text of a client's choice."""
    for headers in ({"X-Forwarded-For": text}, {"Forwarded": text}, {"Forwarded": f"for={text}"}):
        assert len(key_of(headers)) <= 43


def test_log_lines_show_the_whole_address() -> None:
    """A /64 is for counting; who looks for one client needs its address."""
    for spelling in ("[2001:DB8::a]:443", "2001:db8::a%eth0"):
        with shop(1).test_request_context(headers={"X-Forwarded-For": spelling}):
            assert str(client_address(request)) == "2001:db8::a"


# ------------------------------------------------------------------ is this our own machine?

HERE = ["127.0.0.1", "127.0.0.53", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"]
NOT_HERE = ["192.0.2.1", "10.0.0.1", "0.0.0.0", "::", "::2", "128.0.0.1", "", "localhost"]
NOT_HERE += ["2002:7f00:1::1", "64:ff9b::127.0.0.1", "::ffff:0:127.0.0.1", "::127.0.0.1"]


def is_own(headers: Headers, proxies: int = 0, peer: str = "127.0.0.1") -> bool:
    with shop(proxies).test_request_context(
        headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    ):
        return is_own_machine(request)


@pytest.mark.parametrize("proxies", [0, 1])
def test_this_machine_is_known_by_its_loopback_addresses(proxies: int) -> None:
    """T14."""
    assert [is_own({}, proxies, peer) for peer in HERE] == [True] * len(HERE)
    assert [is_own({}, proxies, peer) for peer in NOT_HERE] == [False] * len(NOT_HERE)


@pytest.mark.parametrize("name", clients.PROXY_HEADERS)
@pytest.mark.parametrize("value", ["127.0.0.1", ANN, "for=127.0.0.1", ""])
def test_behind_a_proxy_that_is_not_counted_all_are_strangers(name: str, value: str) -> None:
    """T14, G3: it runs on this machine, and calls for clients anywhere."""
    assert not is_own({name: value})


@each_header
@pytest.mark.parametrize(
    ("proxies", "addresses", "own"),
    [
        (1, ["127.0.0.1"], True),
        (1, ["::1"], True),
        (1, ["::ffff:127.0.0.1"], True),
        (1, [ANN], False),
        (1, ["unknown"], False),
        (1, [""], False),
        (1, ["64:ff9b::127.0.0.1"], False),
        (1, ["127.0.0.1", ANN], False),
        (1, [ANN, "127.0.0.1"], False),
        (1, ["127.0.0.1", "127.0.0.1"], False),
        (2, ["127.0.0.1", "127.0.0.1"], True),
        (2, ["127.0.0.1"], False),
        (2, ["127.0.0.1", "10.0.0.8"], False),
        (2, [ANN, "127.0.0.1"], False),
    ],
)
def test_counted_proxies_say_whether_they_were_called_from_here(
    header: str, proxies: int, addresses: list[str], own: bool
) -> None:
    """T14: each of them, from this machine; an entry too many is a proxy that is not counted."""
    assert is_own(chain(header, *addresses), proxies) is own
    assert not is_own(chain(header, *addresses), proxies, peer="192.0.2.1")


def test_a_counted_proxy_that_does_not_say_for_whom_it_calls_calls_for_strangers() -> None:
    """T14."""
    assert not is_own({"X-Real-IP": "127.0.0.1"}, proxies=1)
    assert not is_own({"X-Forwarded-Proto": "https"}, proxies=1)
    assert not is_own({"X-Forwarded-For": "127.0.0.1", "Forwarded": f"for={ANN}"}, proxies=1)
    assert is_own({"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}, proxies=1)


# ------------------------------------------------------------------ a proxy that is not counted


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "ops.clients"]


@pytest.mark.parametrize(
    ("proxies", "headers", "says"),
    [
        (
            0,
            {"X-Forwarded-For": ANN},
            "X-Forwarded-For (addresses in it: 1) and TRUSTED_PROXIES is 0",
        ),
        (0, {"X-Forwarded-For": ""}, "TRUSTED_PROXIES is 0"),
        (0, {"Forwarded": f"for={ANN}"}, "with Forwarded (addresses in it: 1)"),
        (0, {"X-Real-IP": ANN}, "with X-Real-IP (addresses in it: 0)"),
        (0, {"Via": "1.1 proxy"}, "with Via (addresses in it: 0)"),
        (
            1,
            {"X-Forwarded-For": f"{ANN}, 10.0.0.8"},
            "in it: 2) and TRUSTED_PROXIES is 1",
        ),
        (1, {"Forwarded": f"for={ANN}, for=10.0.0.8"}, "in it: 2)"),
        (2, {"X-Forwarded-For": ANN}, "in it: 1) and TRUSTED_PROXIES is 2"),
        (1, {"X-Forwarded-Proto": "https"}, "with X-Forwarded-Proto (addresses in it: 0)"),
    ],
)
def test_a_proxy_that_is_not_counted_is_warned_about_once(
    proxies: int, headers: dict[str, str], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """S25: flask-limiter#428, mwdb-core#844; with what to set, and not a shopper's address."""
    client = shop(proxies).test_client()

    for _ in range(5):
        client.get("/", headers=headers)
        client.get("/nothing", headers={"X-Forwarded-For": f"{EVE}, {EVE}, {EVE}"})

    (warning,) = warnings_of(caplog)
    assert says in warning
    assert "Set TRUSTED_PROXIES to the number of your proxies" in warning
    assert ANN not in warning


@pytest.mark.parametrize(
    ("proxies", "headers"),
    [
        (0, {}),
        (1, {}),
        (1, {"X-Forwarded-For": ANN}),
        (1, {"X-Forwarded-For": ANN, "X-Forwarded-Proto": "https", "Via": "1.1 proxy"}),
        (1, {"X-Forwarded-For": ANN, "Forwarded": f"for={ANN}"}),
        (2, {"Forwarded": f"for={ANN}, for=10.0.0.8"}),
    ],
)
def test_a_proxy_that_is_counted_is_not_warned_about(
    proxies: int, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    shop(proxies).test_client().get("/", headers=headers)

    assert warnings_of(caplog) == []


class FlagOnly:
    """A flag that threads read and set one after the other, in place of the lock."""

    def __init__(self, threads: int) -> None:
        self.meet = threading.Barrier(threads, timeout=30)

    def locked(self) -> bool:
        return False

    def acquire(self, blocking: bool) -> bool:
        self.meet.wait()  # all have read the flag, none has set it
        return True


@pytest.mark.parametrize("locked", [True, False])
def test_eight_threads_at_once_warn_once(locked: bool, caplog: pytest.LogCaptureFixture) -> None:
    """S25: never more than once; without the lock each of them would."""
    app, threads = shop(0), 8
    if not locked:
        app.extensions["uncounted_proxy"] = FlagOnly(threads)
    start = threading.Barrier(threads, timeout=30)

    def ask() -> None:
        start.wait()
        app.test_client().get("/", headers={"X-Forwarded-For": ANN})

    crowd = [threading.Thread(target=ask) for _ in range(threads)]
    with caplog.at_level(logging.WARNING):
        for each in crowd:
            each.start()
        for each in crowd:
            each.join(30)

    assert len(warnings_of(caplog)) == (1 if locked else threads)
