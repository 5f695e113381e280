"""A provider that hangs delays the shoppers who wait for it, and no others (N7)."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import config
from tools.shopper import Shopper

from ..processes import running_shop


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_provider_that_hangs_leaves_the_shop_open_for_other_shoppers(
    settings: config.Settings, tmp_path: Path, black_hole: str
) -> None:
    """N7: more shoppers than threads try it; each gets an honest page, and the shelf stays open."""
    with running_shop(settings, tmp_path, MINTCASH_BASE_URL=black_hole) as server:
        customers = [Shopper(server.url, server.url) for _ in range(12)]
        for each in customers:
            each.add("candle")
        with ThreadPoolExecutor(len(customers)) as pool:
            answers = [pool.submit(each.check_out, "mintcash") for each in customers]
            seen = 0
            while not all(each.done() for each in answers):
                visitor = Shopper(server.url, server.url)
                assert visitor.get(server.url).status_code == 200
                seen += not all(each.done() for each in answers)
                time.sleep(0.05)

    assert seen, "the shelf was shown while some of them were still waiting"
    for answer in (each.result() for each in answers):
        assert answer.status_code == 502
        assert "The payment page does not answer right now. Nothing was charged." in answer.text
