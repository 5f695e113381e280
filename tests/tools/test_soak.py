"""``make soak``, in short: real processes, each killed at least once, and books that agree.

What its audit sees is in ``test_audit.py``.
"""

import asyncio
import json
import re
import signal
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import config
from models import credit_code
from providers import FOLDERS
from sandbox.registry import PROVIDERS as IMITATED
from tools.soak.mail import PostOffice
from tools.soak.merchant import HAPPENINGS, MONTHS
from tools.soak.plan import (
    CREATE_FAULTS,
    DELIVERY_FAULTS,
    HABITS,
    PAYMENT_FAULTS,
    make_plan,
    plan_of_kills,
)

from .test_run import ROOT


def soak(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.soak", "--report", folder / "soak.json", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def report(folder: Path, ended: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = ended.communicate(timeout=200)
    assert ended.returncode == 0, said + (folder / "soak.log").read_text()
    found: dict[str, Any] = json.loads((folder / "soak.json").read_text())
    assert found["violations"] == []
    assert found["answers_500"] == {}
    assert "\n0 violations" in said
    return found


@pytest.mark.timeout(240)
def test_everything_is_killed_and_the_books_agree(tmp_path: Path) -> None:
    """On PostgreSQL, so that the database is restarted as well."""
    run = soak(tmp_path, "--purchases=20", "--minutes=0.2", "--seed=1", "--database", "postgresql")

    found = report(tmp_path, run)

    assert found["purchases"] == 20
    assert set(found["kills"]) == {"shop worker", "shop", "job worker", "sandbox", "database"}
    assert found["payments"]["taken"] > 0
    assert found["receipts"]["sent"] > 0


@pytest.mark.timeout(240)
def test_ctrl_c_ends_it_with_an_audit_of_what_was_done(tmp_path: Path) -> None:
    with soak(tmp_path, "--purchases=100", "--minutes=5", "--seed=1") as run:
        assert run.stdout
        while not re.search(r"\] [1-9]\d*/100 purchases", run.stdout.readline()):
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        found = report(tmp_path, run)

    assert 0 < found["purchases"] < 100


def test_a_seed_decides_every_purchase_and_every_kill() -> None:
    settings, targets = config.load(), ["shop", "sandbox", "job worker"]

    assert make_plan(7, 50, settings) == make_plan(7, 50, settings) != make_plan(8, 50, settings)
    first, again = (plan_of_kills(7, targets, 3.0) for _ in range(2))
    for _ in range(9):
        one, same = next(first), next(again)
        assert (one.target, one.pause) == (same.target, same.pause)
        assert one.chance.random() == same.chance.random()


def test_the_plan_of_many_purchases_leaves_nothing_out() -> None:
    plan = make_plan(1, 2000, config.load())

    assert {each.provider for each in plan} == set(FOLDERS), "the examples are off"
    assert {each.uses_a_card for each in plan} == {True, False}
    assert any("gift-card" in each.cart for each in plan)
    assert {each.currency for each in plan} == {"USD", "EUR", "SGD", "TTD"}
    assert {each.habit for each in plan} == set(HABITS)
    assert {each.fault for each in plan} == set(PAYMENT_FAULTS)
    assert {each.delivery_fault for each in plan} == set(DELIVERY_FAULTS)
    assert {each.create_fault for each in plan} == set(CREATE_FAULTS)


ORDER_ID = 16 * "1a"


def test_the_mail_server_reads_the_codes_of_gift_cards_by_their_currency() -> None:
    """Shoppers type them; the address says in what currency its order was paid."""
    letter, code = EmailMessage(), credit_code()
    letter["Message-ID"] = f"<receipt.{ORDER_ID}@shop.example>"
    letter.set_content(f"Your gift card:\n\n{code}\n\nThank you.")
    letter.add_alternative(f"<p>{code}</p>", subtype="html")
    envelope = SimpleNamespace(rcpt_tos=["shopper-7-eur@example.com"], content=letter.as_bytes())

    office = PostOffice(fails=False)
    asyncio.run(office.handle_DATA(None, None, envelope))

    assert office.codes == {"EUR": [code]}
    assert office.letters == {ORDER_ID: 1}


def test_every_action_of_the_sandbox_happens() -> None:
    planned = {action for steps in HAPPENINGS for action, _ in steps}
    planned |= {action for steps in MONTHS for action in steps}

    assert planned == {each.key for name in FOLDERS for each in IMITATED[name].actions}


def test_in_every_round_of_kills_each_is_killed_once() -> None:
    kills = plan_of_kills(3, ["shop", "sandbox", "database"], 6.0)

    for _ in range(5):
        assert {next(kills).target for _ in range(3)} == {"shop", "sandbox", "database"}
