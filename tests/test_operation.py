"""docs/runbook.md keeps up with what there is, and its commands work."""

import re
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

import config
from database import now, transaction
from jobs import outbox
from models import OutboxTask
from providers import PROVIDERS

from .books import Books
from .mintcash import event
from .shopper import Shopper

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")


SECRETS = [
    name
    for name, field in config.Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
]


def commands(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", RUNBOOK, re.DOTALL)


def test_every_number_that_is_worth_an_alert_stands_in_the_runbook(shopper: Shopper) -> None:
    families = re.findall(r"(?m)^# TYPE (\w+) ", shopper.get("/metrics").text)

    assert len(families) >= 10
    untold = {name for name in families if not re.search(rf"\b{name}(_bucket)?\b", RUNBOOK)}
    assert untold == {"shop_payments"}  # how many there are is good to know, and no alarm


def test_every_number_in_the_runbook_is_there(shopper: Shopper) -> None:
    page = shopper.get("/metrics").text

    for name in re.findall(r"shop_\w+", RUNBOOK):
        assert name.removesuffix("_bucket") in page, name


def test_every_word_of_readyz_stands_in_the_runbook() -> None:
    words = re.findall(r'NotReady\("(.+?)"\)', (ROOT / "ops/health.py").read_text("utf-8"))

    assert len(set(words)) == 4
    assert [word for word in words if f"`{word}`" not in RUNBOOK] == []


def test_every_secret_has_its_row() -> None:
    for name in SECRETS:
        assert f"`{name.upper()}`" in RUNBOOK, name


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_a_secret_is_said_to_be_two_at_a_time_where_two_are_read(provider: str) -> None:
    two = ("first-4f2a9c1b7d", "second-4f2a9c1b7d")
    for name in (each for each in SECRETS if each.startswith(f"{provider}_")):
        settings = config.load(**{name: ", ".join(two)}, payment_environment="sandbox")
        account = config.DECLARED[provider].account(settings)

        (row,) = re.findall(rf"(?m)^\|.*`{name.upper()}`[,| ].*$", RUNBOOK)
        assert (two in vars(account).values()) == ("| two at a time" in row), name


def test_a_parked_job_is_tried_again_by_the_runbooks_statement(
    shopper: Shopper, books: Books
) -> None:
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))
    with books.open(), transaction() as session:
        session.execute(
            update(OutboxTask).values(
                parked=True, attempts=outbox.MAX_ATTEMPTS, due_at=now() + timedelta(hours=1)
            )
        )
    (statement,) = commands("sql")

    with books.open(), transaction() as session:
        session.execute(text(statement))
    books.work()

    assert [task.status for task in books.tasks] == ["done", "done"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_made_while_the_shop_runs_is_whole(
    shopper: Shopper, books: Books, tmp_path: Path
) -> None:
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))
    (script,) = re.findall(r'(?m)^python3 -c "(.+)"$', RUNBOOK)

    (tmp_path / "var").symlink_to(tmp_path)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)

    with sqlite3.connect(tmp_path / "shop-backup.db") as backup:
        assert backup.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert backup.execute("SELECT status FROM orders").fetchall() == [("paid",)]
    backup.close()
