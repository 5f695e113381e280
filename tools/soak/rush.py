"""The run: all shoppers at once, the killer among the processes, and the providers' own doings."""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import requests

from tools.soak.merchant import Merchant
from tools.soak.plan import Purchase, plan_of_kills
from tools.soak.processes import Processes
from tools.soak.shoppers import PlannedShopper

SHOPPERS = 12  # at once
BETWEEN_KILLS = 6.0  # seconds, on average; less in a run of less than half a minute


class Rush:
    """All shoppers, and the killer among the processes."""

    def __init__(
        self, processes: Processes, plan: list[Purchase], seed: int, seconds: float
    ) -> None:
        self.processes, self.plan, self.planned_seconds = processes, plan, seconds
        between = min(BETWEEN_KILLS, seconds / (2 * len(processes.targets)))
        self.kills_to_come = plan_of_kills(seed, processes.targets, between)
        #: Shoppers think as long as there is time for.
        self.pause = min(1.0, 4 * seconds / max(1, len(plan)))
        self.merchant = Merchant(processes.settings.sandbox_url, seed)
        self.over, self.interrupted = threading.Event(), False
        self.lock = threading.Lock()
        self.seconds, self.done = 0.0, 0
        self.answers_500: Counter[str] = Counter()
        self.without_order: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def start(self) -> None:
        """Until all shoppers are done; Ctrl-C ends it earlier."""
        self.started = time.monotonic()
        killer = threading.Thread(target=self._kill_now_and_then)
        merchant = threading.Thread(target=self.merchant.work, args=(self.over,))
        for thread in (killer, merchant):
            thread.start()
        with ThreadPoolExecutor(SHOPPERS) as pool:
            futures = [pool.submit(self._shop, purchase) for purchase in self.plan]
            with self._noting_interrupts():
                self._show_progress(futures)
            if self.interrupted:
                print("\nStopping; what was done so far is audited.")  # noqa: T201
                pool.shutdown(cancel_futures=True, wait=False)
            self.over.set()
        self.seconds = time.monotonic() - self.started
        for thread in (killer, merchant):
            thread.join()
        for future in futures:
            if not future.cancelled():
                future.result()

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Ctrl-C is noted, not raised: raised while locks of futures are held, it keeps them."""

        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True

        before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _shop(self, purchase: Purchase) -> None:
        starts = purchase.starts * self.planned_seconds
        if self.over.wait(max(0.0, starts - (time.monotonic() - self.started))):
            return
        codes = self.processes.post_office.codes[purchase.currency]
        customer = PlannedShopper(self.processes.settings, purchase, self.pause, codes)
        try:
            went_without = customer.shop_around()
        except requests.RequestException as error:
            went_without = f"gave up: {type(error).__name__}"
        with self.lock:
            self.done += 1
            self.answers_500 += customer.answers_500
            if went_without:
                self.without_order[went_without] += 1
            for kind in ("fault", "delivery_fault", "create_fault"):
                if getattr(purchase, kind) != "none":
                    self.faults[getattr(purchase, kind)] += 1

    def _kill_now_and_then(self) -> None:
        for number, kill in enumerate(self.kills_to_come):
            over = self.over.wait(kill.pause)
            if over and (self.interrupted or number >= len(self.processes.targets)):
                return  # but even in a short run each is killed once
            self.processes.kill(kill.target, kill.chance)
            self.kills[kill.target] += 1
            self.processes.wait_until_it_answers()  # or a slow machine would never sell anything

    def _show_progress(self, futures: list[Future[None]]) -> None:
        """One line that is written over, or on no terminal a line now and then."""
        every, end = (0.2, "\r") if sys.stdout.isatty() else (5.0, "\n")
        shown = -every
        while not self.interrupted and not all(future.done() for future in futures):
            time.sleep(0.1)
            if time.monotonic() - self.started - shown < every:
                continue
            shown = time.monotonic() - self.started
            part = self.done / len(self.plan)
            bar = "#" * int(30 * part)
            seconds = int(time.monotonic() - self.started)
            counts = f"{self.done}/{len(self.plan)} purchases, {self.kills.total()} kills"
            line = f"[{bar:<30}] {counts}, {seconds // 60}:{seconds % 60:02}  "
            print(line, end=end, flush=True)  # noqa: T201
        print()  # noqa: T201
