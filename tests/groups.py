"""Groups of tests: which run in one process, one after the other, and which are quick.

What a group needs is slow to start, so it is started once; and of those that start many processes
of their own, one runs at a time. (xdist has a mark for this, ``xdist_group``, which pytest 9.2
breaks: pytest-dev/pytest-xdist#1386.)
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

#: A file of tests, or the start of its path -> the group that it runs in.
GROUPS = {
    "tests/browser/test_accessibility.py": "scripted",
    "tests/browser/test_errors.py": "scripted",
    "tests/browser/test_theme.py": "scripted",
    "tests/browser/": "world",
    "tests/security/test_wire.py": "server",
    "tests/tools/test_demo.py": "many processes",
    "tests/stories/test_processes.py": "many processes",
    "tests/tools/test_run.py": "many processes",
    "tests/tools/test_soak.py": "many processes",
}

#: What ``--quick`` leaves out, by the start of a path or of a test's id: it is about more than one
#: module of the shop, or starts a browser or other processes. On PostgreSQL nothing is quick.
NOT_QUICK = (
    "tests/browser/",
    "tests/sandbox/",
    "tests/security/",
    "tests/stories/",
    "tests/tools/",
    "tests/jobs/test_engines.py",
    "tests/jobs/test_outbox.py::test_a_worker_killed_",
    "tests/payments/test_inbox.py::test_a_delivery_killed_",
    "tests/jobs/test_worker.py::test_a_real_worker_",
    "tests/ops/test_server.py",
    "tests/providers/hitpay/test_in_the_sandbox.py",
    "tests/providers/test_deadline.py",
    "tests/providers/test_slots.py",
)


def is_quick(item: pytest.Item) -> bool:
    """Runs on SQLite and in this process, so it needs nothing beyond the Python packages."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return parameters.get("database_url") != "postgresql" and not item.nodeid.startswith(NOT_QUICK)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """The largest group first; every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        found = (name for start, name in GROUPS.items() if nodeid.startswith(start))
        return next(found, nodeid)
