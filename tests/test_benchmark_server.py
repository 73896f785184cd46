"""The benchmark's server, and the viewer that it has instead of a browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vgg_demo.benchmark import startup
from vgg_demo.benchmark.loads import load_rows
from vgg_demo.benchmark.server import Server, add_steps, make_run, own_home
from vgg_demo.benchmark.watching import alive, curve_rows, tick_rows
from vgg_demo.budget import estimate_seconds
from vgg_demo.config import PRESETS
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.store import home as runs_home


def test_own_home_is_empty_knows_all_speeds_and_goes_again(home: Path) -> None:
    with own_home() as own:
        assert runs_home() == own.resolve() != home
        assert all(estimate_seconds(preset.config) for preset in PRESETS.values())

    assert os.environ["VGG_DEMO_HOME"] == str(home)
    assert not own.exists()


def test_add_steps_goes_on_where_the_run_stands(home: Path) -> None:
    run, config = make_run("mine", 20, total_steps=50)

    add_steps(run, config, 20, 10)

    curve = RunReader(run).refresh()
    assert curve.steps == list(range(1, 31))
    assert curve.schedules == [(0, 50)]
    assert curve.damaged_lines == 0
    assert curve.losses[0] > curve.losses[-1]


def test_viewer_sees_a_run_tick_and_the_server_counts(home: Path) -> None:
    run, config = make_run("mine", 30, total_steps=1000)
    curve = list(curve_rows(run, config, 30, ticks=2))

    with alive(run), Server(home) as server:
        ticks = list(tick_rows(server, run, config, 30 + 3 * 40, ticks=2))
        loads = list(load_rows(server, (1, 2), runs=1))

    assert RunReader(run).refresh().steps == list(range(1, 231))  # 3 and 2 times 40 more
    assert run.status().state == "stopped"
    assert [len(row.values) for row in curve] == [2, 2]
    assert [len(row.values) for row in ticks] == [2, 1, 2]
    chart, down = curve[1].values[-1], ticks[2].values[0]
    assert down > chart  # the chart and the figures around it
    assert [len(row.values) for row in loads] == [1, 1, 2, 2]
    assert all(value > 0 for row in loads for value in row.values)


def test_page_rows_without_a_browser_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "BROWSERS", ("no-such-browser",))

    rows = list(startup.page_rows(1))

    assert [row.values for row in rows] == [(), ()]
    assert all("no browser" in row.note for row in rows)
