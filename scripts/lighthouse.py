"""Ask Lighthouse about the shop on a phone: performance, accessibility, best practices, SEO.

Usage: make lighthouse

Starts the shop as ``make run`` does, on free ports and with fresh databases, and prints a table.
Ends with 1 when a score is below 100. A page that falls short is examined again, up to three times:
a busy machine can only cost points. The full reports are left in build/lighthouse/.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import config  # noqa: E402
from tests.browser import chromium  # noqa: E402
from tools.run import free_port  # noqa: E402
from tools.shopper import direct_session  # noqa: E402

BUILD = ROOT / "build" / "lighthouse"
LIGHTHOUSE = BUILD / "node_modules" / "lighthouse" / "cli" / "index.js"
PAGES = {"shelf": "/", "product": "/products/mug-pair", "cart": "/cart", "checkout": "/checkout"}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TRIES = 3
MOST_KILOBYTES = 70  # of a page without its pictures, nothing kept from before


def main() -> int:
    """0 when every score is 100, no page shifts, and none is heavy."""
    flawless = True
    print(f"{'page':<12}{''.join(f'{name:>16}' for name in CATEGORIES)}{'shift':>8}{'kB':>6}")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder, shop(Path(folder)) as url:
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cart_cookies(url)}))
        for name, path in PAGES.items():
            flawless &= any(
                show(name, examine(url + path, headers, BUILD / f"{name}.json"))
                for _ in range(TRIES)
            )
    return 0 if flawless else 1


@contextmanager
def shop(folder: Path) -> Iterator[str]:
    """Shop, sandbox and worker, listening; yields the shop's address."""
    url = f"http://127.0.0.1:{free_port()}"
    settings = {
        "BASE_URL": url,
        "SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
        "DATABASE_URL": config.sqlite_url(Path(folder) / "shop.db"),
        "JOBS_URL": config.sqlite_url(Path(folder) / "jobs.db"),
        "SANDBOX_DATABASE_URL": config.sqlite_url(Path(folder) / "sandbox.db"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.run"],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout  # noqa: S101
    try:
        if not any("Ctrl-C" in line for line in process.stdout):
            sys.exit("The shop did not start.")
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def cart_cookies(url: str) -> str:
    """The cookies of a shopper with two things in the cart."""
    with direct_session() as session:
        page = session.get(f"{url}/products/candle", timeout=10).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token  # noqa: S101
        for slug in ("candle", "cookbook"):
            form = {"csrf_token": token.group(1), "slug": slug, "quantity": "1"}
            session.post(f"{url}/cart/items", data=form, timeout=10).raise_for_status()
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)


def examine(url: str, headers: Path, report: Path) -> dict[str, Any]:
    """Lighthouse's report about one page, in its mobile profile; it also says if there is none."""
    report.unlink(missing_ok=True)
    flags = ("--headless", *chromium.AS_ROOT)
    subprocess.run(  # noqa: S603
        [
            *(node(), LIGHTHOUSE, url, "--quiet", "--output=json", f"--output-path={report}"),
            *(f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={headers}"),
            f"--chrome-flags={' '.join(flags)}",
        ],
        env=os.environ | {"CHROME_PATH": executable()},
        check=False,
    )
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return found


def node() -> str:
    return shutil.which("node") or sys.exit("Lighthouse needs Node 18.16 or newer.")


def executable() -> str:
    """The path of the system's browser, or of the one that Playwright has downloaded."""
    found = chromium.installed()
    if found:
        return found
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def show(name: str, report: dict[str, Any]) -> bool:
    """One line of the table, and below it what costs points; True when nothing does."""
    if "runtimeError" in report:
        print(f"{name:<12} {report['runtimeError']['message']}")  # noqa: T201
        return False
    audits = report["audits"]
    scores = [round(100 * (report["categories"][each]["score"] or 0)) for each in CATEGORIES]
    shift = audits["cumulative-layout-shift"]["numericValue"]
    requested = audits["network-requests"]["details"]["items"]
    heavy = [each for each in requested if each.get("resourceType") != "Image"]
    kilobytes = sum(each["transferSize"] for each in heavy) / 1000
    print(f"{name:<12}{''.join(f'{score:>16}' for score in scores)}{shift:>8.3f}{kilobytes:>6.0f}")  # noqa: T201
    flawless = scores == [100] * len(scores) and not shift and kilobytes <= MOST_KILOBYTES
    if not flawless:
        for category in CATEGORIES:
            for each in report["categories"][category]["auditRefs"]:
                audit = audits[each["id"]]
                if each["weight"] and (audit["score"] or 0) < 1 and audit["score"] is not None:
                    print(f"    {audit['title']} {audit.get('displayValue', '')}")  # noqa: T201
    return flawless


if __name__ == "__main__":
    sys.exit(main())
