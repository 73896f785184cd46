"""Processes that this one starts: trainings, which outlive it, and measurements, which end with it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys

import psutil

from vgg_demo.config import RunConfig
from vgg_demo.places import PROJECT
from vgg_demo.runs.processes import detached, leave_core, lower_priority, training_environment
from vgg_demo.runs.store import home

TRAINING_NICENESS, MEASURING_NICENESS = 5, 10  # the page comes first
PROBE_SECONDS = 120.0  # that a measurement or the quick checks may take
PROBE_MEMORY = 0.8  # of what is free when they start
_children: list[subprocess.Popen[bytes]] = []


def spawn_budget(config: RunConfig) -> subprocess.Popen[bytes]:
    """Start measuring how long a training with these settings takes here."""
    return _spawn_limited("vgg_demo.runs.cost", config, MEASURING_NICENESS)


def spawn_checks(config: RunConfig) -> subprocess.Popen[bytes]:
    """Start the three quick checks of a config; the result comes on standard output."""
    return _spawn_limited("vgg_demo.diagnosis.checks", config, 0, stdout=subprocess.PIPE)  # a person waits for it


def _spawn_limited(
    module: str, config: RunConfig, niceness: int, stdout: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a module with a config: it ends with this process, or at a limit. Its standard input must stay open."""
    limits = str(PROBE_SECONDS), str(PROBE_MEMORY * psutil.virtual_memory().available)
    arguments = "vgg_demo.runs.child", *limits, module, json.dumps(config.to_dict())
    return spawn(*arguments, niceness=niceness, stdin=subprocess.PIPE, stdout=stdout)


def reap_children() -> None:
    """Release processes that have ended, so that none is left as a zombie."""
    for child in _children:
        if child.poll() is not None and child.stdin:
            with contextlib.suppress(OSError):  # something was written that it has not read
                child.stdin.close()
    _children[:] = [child for child in _children if child.returncode is None]


def spawn(
    module: str,
    *arguments: str,
    niceness: int = TRAINING_NICENESS,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a module so that what ends its parent does not end it. niceness: 0 to 19, as in lower_priority."""
    reap_children()
    leave_core()  # the process inherits where this thread may run
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env={**os.environ, **training_environment(), "VGG_DEMO_HOME": str(home())},
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        **detached(),
    )
    if niceness:
        lower_priority(process.pid, niceness)
    _children.append(process)
    return process
