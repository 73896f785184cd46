"""A process that gives way does so for the whole machine, not only beside its own kin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
GIVE_WAY = """
import os
from pathlib import Path
from vgg_demo.runs.processes import give_way
give_way(7)
group = Path("/proc/self/autogroup")
name_and_niceness = group.read_text().split() if group.exists() else []  # none: the group is the computer's first
print(os.nice(0), name_and_niceness[-1] if name_and_niceness else None)
"""


def after_giving_way(in_own_session: bool) -> list[str]:
    """The niceness of a process that has given way, and of its session's group."""
    command = [sys.executable, "-c", GIVE_WAY]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, start_new_session=in_own_session
    ).stdout.split()


@pytest.mark.skipif(os.name != "posix", reason="niceness is POSIX's")
def test_give_way_lowers_the_process() -> None:
    assert int(after_giving_way(in_own_session=True)[0]) == min(os.nice(0) + 7, 19)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="Linux's groups of processes, where they are built in")
def test_give_way_lowers_the_group_of_its_own_session_and_nobody_elses() -> None:
    before = AUTOGROUP.read_text()

    assert after_giving_way(in_own_session=True)[1] == "7"
    after_giving_way(in_own_session=False)

    assert AUTOGROUP.read_text() == before
