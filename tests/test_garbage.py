"""What closed pages leave behind is freed."""

from __future__ import annotations

import weakref

import pytest

from tests.helpers import wait_until
from vgg_demo.ui import garbage
from vgg_demo.ui.garbage import Collector


class Cycle:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.self = self


def test_collector_frees_what_refers_to_itself_once_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "PAUSE_SECONDS", 0.0)
    kept = weakref.ref(Cycle())

    Collector().ask()

    wait_until(lambda: kept() is None)


def test_collector_collects_once_for_a_class_that_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    collections: list[None] = []
    monkeypatch.setattr(garbage, "PAUSE_SECONDS", 0.3)
    monkeypatch.setattr(garbage.gc, "collect", lambda: collections.append(None))
    collector = Collector()

    for _page in range(30):
        collector.ask()
    wait_until(lambda: collections)
    kept_quiet = not collector._wanted.wait(0.5)

    assert kept_quiet
    assert len(collections) == 1
