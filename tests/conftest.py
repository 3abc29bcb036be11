"""Settings of the test tools."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["firehose.testing"]

# No deadline: a machine that is busy with something else does not make a specification false.
settings.register_profile("dmd", deadline=None)
settings.load_profile("dmd")

# Terraform waits for most of its minutes: begun first, it is done when all the rest is.
BEGINS = "test_terraform.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != BEGINS)


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores, for the one that waits."""
    return (os.cpu_count() or 1) + 1
