"""Settings of the test tools."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["firehose.testing"]

# No deadline: a machine that is busy with something else does not make a specification false. Fifty examples of each
# property: the whole suite is to take less than five minutes on two cores.
settings.register_profile("dmd", deadline=None, max_examples=50)
settings.load_profile("dmd")

# What takes longest, each file by itself. A file is one worker's: one of these, begun last, would run alone when all
# the rest is done. Terraform waits for most of its minutes, so it is the first.
LONGEST = (
    "test_terraform.py",
    "test_deploy.py",
    "test_backfill_kills.py",
    "test_kinesis_kills.py",
    "test_replay_kills.py",
    "test_backfill_s3.py",
    "test_against_reference.py",
    "test_backfill_lake.py",
    "test_console.py",
    "test_backfill_table.py",
    "test_avro_mode.py",
    "test_e2e_environment.py",
)


def pytest_configure(config: pytest.Config) -> None:
    # xdist would begin with the files of the most specifications, which are the quickest ones.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores, for the one that waits."""
    return (os.cpu_count() or 1) + 1
