"""Static files, whose addresses change with their content, and gzip."""

import gzip
import re
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from ops import static_files

from ..shopper import Shopper

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def fetch(shopper: Shopper, address: str, headers: dict[str, str] | None = None) -> TestResponse:
    """Read to its end, which closes the file."""
    return shopper.get(address, headers=headers, buffered=True)


def addresses(page: str) -> list[str]:
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(found) > 10
    return found


def test_every_file_that_a_page_names_is_kept_by_the_browser_for_ever(shopper: Shopper) -> None:
    for address in addresses(shopper.get("/").text):
        answer = fetch(shopper, address)

        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_the_font_that_the_style_sheet_names_is_the_one_that_the_page_loads_ahead(
    shopper: Shopper,
) -> None:
    found = addresses(shopper.get("/").text)
    (font,) = [each for each in found if each.endswith(".woff2")]
    (sheet,) = [each for each in found if each.endswith(".css")]

    named = re.search(r'url\("\.\./(.+\.woff2)"\)', fetch(shopper, sheet).text)

    assert named
    assert sheet.replace("css/shop.css", named.group(1)) == font


def test_another_version_of_an_address_still_answers_but_is_not_kept(shopper: Shopper) -> None:
    """A page that was opened before the shop was renewed loads its pictures after it."""
    sheet = next(each for each in addresses(shopper.get("/").text) if each.endswith("shop.css"))

    answer = fetch(shopper, sheet.replace(static_files.static_version(), "0123456789ab"))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.usefixtures("database_url")
def test_the_addresses_change_with_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_files, "STATIC", tmp_path)
    version = static_files.static_version.__wrapped__
    (tmp_path / "a.css").write_text("a {}")
    before = version()

    (tmp_path / "a.css").write_text("b {}")
    changed = version()
    (tmp_path / "a.css").rename(tmp_path / "b.css")
    renamed = version()

    assert len({before, changed, renamed}) == 3


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "css", "css/none.css"])
def test_nothing_else_is_served_as_static(shopper: Shopper, path: str) -> None:
    assert fetch(shopper, f"/static/{static_files.static_version()}/{path}").status_code == 404


@pytest.mark.parametrize("page", ["/", "/products/candle", "/products/unicorn"])
def test_a_page_is_compressed_for_a_browser_that_takes_it(shopper: Shopper, page: str) -> None:
    plain = shopper.get(page)
    packed = shopper.get(page, headers=GZIP)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert "</html>" in gzip.decompress(packed.data).decode()
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
def test_a_browser_that_does_not_take_gzip_gets_the_text(shopper: Shopper, accepted: str) -> None:
    answer = shopper.get("/", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in answer.headers
    assert answer.text.lstrip().startswith("<!DOCTYPE html>")


def test_style_sheets_and_scripts_are_compressed_pictures_are_not(shopper: Shopper) -> None:
    for address in addresses(shopper.get("/").text):
        answer = fetch(shopper, address, headers=GZIP)

        text = address.endswith((".css", ".js", ".svg"))
        assert answer.headers.get("Content-Encoding") == ("gzip" if text else None), address
        assert ("Accept-Encoding" in answer.headers.get("Vary", "")) is text, address
        if text:
            assert gzip.decompress(answer.data) == fetch(shopper, address).data, address


def test_what_the_browser_has_already_is_not_sent_again(shopper: Shopper) -> None:
    sheet = next(each for each in addresses(shopper.get("/").text) if each.endswith("shop.css"))
    first = fetch(shopper, sheet, headers=GZIP)

    again = fetch(shopper, sheet, headers=GZIP | {"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert "Content-Encoding" not in again.headers


def test_a_text_in_other_bytes_has_another_tag(shopper: Shopper) -> None:
    """One tag for two contents would let a cache send gzip to a client that takes none."""
    sheet = next(each for each in addresses(shopper.get("/").text) if each.endswith(".css"))

    tags = {fetch(shopper, sheet, headers=each).headers["ETag"] for each in ({}, GZIP)}

    assert len(tags) == 2


@pytest.mark.parametrize("page", ["/", "/cart", "/orders/find", "/nowhere", "/console"])
def test_a_page_links_one_style_sheet_which_begins_with_what_all_pages_share(
    shopper: Shopper, page: str
) -> None:
    (sheet,) = re.findall(r'href="(/static/[^"]+\.css)"', shopper.get(page).text)
    sources = static_files.STATIC / "css"

    served = fetch(shopper, sheet).text

    own = sheet.rpartition("/")[2]
    for name in ("tokens.css", "base.css", "components.css", own):
        source = (sources / name).read_text("utf-8")
        assert served.startswith(source), name
        served = served.removeprefix(source)
    assert served == ""


def test_a_page_from_before_the_sheets_were_joined_still_finds_them(shopper: Shopper) -> None:
    assert fetch(shopper, "/static/0123456789ab/css/tokens.css").status_code == 200


def test_the_length_of_a_page_says_nothing_about_its_form_token(shopper: Shopper) -> None:
    """BREACH: the same page comes in many lengths."""
    shopper.get("/cart")

    lengths = {len(shopper.get("/cart", headers=GZIP).data) for _ in range(30)}

    assert max(lengths) - min(lengths) > 20


def test_what_a_new_visitor_loads_is_small(shopper: Shopper) -> None:
    """The first page with its style, script and font, and without pictures: under 70 kB."""
    page = shopper.get("/", headers=GZIP)
    needed = re.findall(
        r'(?:href|src)="(/static/[^"]+\.(?:css|js|woff2|svg))"', shopper.get("/").text
    )

    total = len(page.data) + sum(len(fetch(shopper, each, headers=GZIP).data) for each in needed)

    assert total < 70_000


@pytest.mark.usefixtures("database_url")
def test_each_picture_is_there_as_avif_in_two_widths_and_as_webp_which_is_larger() -> None:
    shelf = static_files.STATIC / "products"
    sizes = {path.name: path.stat().st_size for path in shelf.iterdir()}
    names = {name.rpartition("-")[0] for name in sizes}

    assert len(sizes) == 3 * len(names)
    for name in names:
        small, large = sizes[f"{name}-480.avif"], sizes[f"{name}-900.avif"]
        assert small < large < sizes[f"{name}-900.webp"], name
