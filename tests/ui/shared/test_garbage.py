"""What closed pages leave behind is freed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.helpers import wait_until
from tests.ui.shared.test_jobs import opened, served
from vgg_demo.ui.shared import garbage


def test_collection_is_one_for_a_class_that_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    collections: list[None] = []
    monkeypatch.setattr(garbage, "PAUSE_SECONDS", 0.3)
    monkeypatch.setattr(garbage.gc, "collect", lambda: collections.append(None))

    for _page in range(30):
        garbage.collect_soon()
    wait_until(lambda: collections)
    time.sleep(0.5)

    assert len(collections) == 1


LEAVES_A_CYCLE = """
import gc, os
from pathlib import Path
from vgg_demo.ui.shared import garbage

class Cycle:
    def __init__(self):
        self.self = self

    def __del__(self):
        Path(os.environ["COUNTED"]).write_text("freed", "utf-8")

gc.disable()  # so that nothing but the collector collects
garbage.PAUSE_SECONDS = 0.2
garbage.collect_when_closed()
Cycle()
Path(os.environ["COUNTED"]).with_name("drawn").touch()
"""


def test_page_that_is_closed_is_collected_on_the_server_and_not_before(tmp_path: Path) -> None:
    with served(LEAVES_A_CYCLE, tmp_path) as port:
        with opened(port):
            wait_until((tmp_path / "drawn").exists)
            time.sleep(1)
            assert not (tmp_path / "counted").exists()
        wait_until((tmp_path / "counted").exists)
