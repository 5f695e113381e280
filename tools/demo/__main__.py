"""Every provider with its scenarios, over real HTTP and without a browser: ``make demo``.

Starts shop, sandbox and worker on free ports with fresh databases, buys the e-book in each
scenario as a shopper without JavaScript would, and says how each order ended. The exit code is 1
when one ended otherwise than expected.
"""

import argparse
import sys
import time

from tests.providers import cases
from tools.demo.buyer import Buyer
from tools.demo.processes import running
from tools.demo.scenarios import scenarios_of


def main() -> int:
    arguments = argparse.ArgumentParser(
        prog="python -m tools.demo", description=(__doc__ or "").partition("\n")[0]
    )
    arguments.add_argument("provider", nargs="?", help="only the scenarios of this provider")
    only = arguments.parse_args().provider
    if only not in (None, *cases()):
        print(f"No such provider: {only}. There are {', '.join(cases())}.", file=sys.stderr)  # noqa: T201
        return 2
    chosen = [
        (case, scenario)
        for name, case in cases().items()
        if only in (None, name)
        for scenario in scenarios_of(case)
    ]
    wrong = 0
    with running() as (shop, sandbox):
        for case, scenario in chosen:
            started = time.monotonic()
            ended = Buyer(shop, sandbox, case).run(scenario)
            took = time.monotonic() - started
            verdict = "as expected" if ended == scenario.ends else f"EXPECTED {scenario.ends}"
            wrong += ended != scenario.ends
            line = f"{case.name:<17}{scenario.title:<30}{ended:<10}{took:5.1f} s  {verdict}"
            print(line, flush=True)  # noqa: T201
    print(f"{len(chosen) - wrong} of {len(chosen)} scenarios ended as expected.")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
