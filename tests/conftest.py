"""Settings of the test tools."""

import os
import signal

import pytest
from hypothesis import settings

# No deadline: a machine that is busy with something else does not make a specification false. Fifty examples of each
# property: `make test` is to take less than five minutes on two cores.
settings.register_profile("dmd", deadline=None, max_examples=50)
settings.load_profile("dmd")


def pytest_configure(config: pytest.Config) -> None:
    # xdist would begin with the files of the most specifications, which are the quickest ones.
    config.option.loadscopereorder = False
    # A shell starts background jobs with SIGINT ignored, which child processes inherit; specifications press Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files: a worker takes a whole file, and one begun last would run alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores, for the one that waits for Terraform."""
    return (os.cpu_count() or 1) + 1
