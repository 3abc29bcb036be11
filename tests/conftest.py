"""Settings of the test tools."""

import gc
import os
import signal
from functools import cache
from typing import Any

import botocore.session
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# No deadline: a machine that is busy with something else does not make a specification false. Fifty examples of each
# property: `make test` is to take less than five minutes on two cores.
settings.register_profile("dmd", deadline=None, max_examples=50)
settings.load_profile("dmd")

# Each session of the SDK reads its descriptions of AWS anew, which takes 0.1 s, and moto begins one in each
# specification: they are one for all.
botocore.session.create_loader = cache(botocore.session.create_loader)


def pytest_configure(config: pytest.Config) -> None:
    # xdist would begin with the files of the most specifications, which are the quickest ones.
    config.option.loadscopereorder = False
    # A shell starts background jobs with SIGINT ignored, which child processes inherit; specifications press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files: a worker takes a whole file, and one begun last would run alone at the end.

    Those of Terraform come first of all: they take longest.
    """

    def turn(item: pytest.Item) -> int:
        if item.get_closest_marker("slow") is None:
            return 2
        return 0 if item.nodeid.startswith("tests/terraform/") else 1

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """Leave what was collected alone in each later search for garbage: it lasts as long as the process."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Take it back: extensions say at the end what of theirs was never collected."""
    gc.unfreeze()


# Specifications of the plans of one fixture: a worker of its own for each file would make each plan again.
PLANNED = {
    f"tests/terraform/test_{name}.py"
    for name in ("alarms", "bucket", "job_roles", "jobs", "policies", "provider", "watched")
}


def scope(nodeid: str) -> str:
    """Return what a worker takes as a whole: a file, or all the files of terraform/ that look at the same plans."""
    file = nodeid.partition("::")[0]
    return "tests/terraform" if file in PLANNED else file


def scope_of_long(nodeid: str) -> str:
    """Return a file, whose specifications look at one thing that takes long to make, or one series of kills alone."""
    return nodeid if nodeid.startswith(("tests/lake/", "tests/local/")) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return the scheduler of `--dist loadfile` (make test) or `--dist loadscope` (make test-long), by our scopes."""
    own = {"loadfile": scope, "loadscope": scope_of_long}.get(config.getvalue("dist"))
    if own is None:
        return None
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = own
    return scheduler


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores, for the one that waits for Terraform."""
    return (os.cpu_count() or 1) + 1
