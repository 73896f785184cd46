"""Following a run's events and thinning its curve."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from vgg_demo.config import RunConfig
from vgg_demo.errors import StorageError
from vgg_demo.runs.reader import Curve, RunReader, images_per_second
from vgg_demo.runs.store import create_run, delete_run


def line(step: int, loss: float | None = 1.0) -> str:
    event = {"event": "step", "step": step, "epoch": 1, "loss": loss, "learning_rate": 0.1, "images": 10}
    return json.dumps({**event, "seconds": step / 100}) + "\n"


@pytest.fixture
def reader(home: Path) -> RunReader:
    return RunReader(create_run(RunConfig()))


def test_reader_of_a_run_without_events_is_empty(reader: RunReader) -> None:
    assert reader.refresh().steps == []
    assert images_per_second(reader.curve) is None


def test_reader_reads_on_and_waits_for_a_line_to_be_whole(reader: RunReader) -> None:
    path = reader.run.metrics_path
    path.write_text(line(1) + line(2)[:20])
    assert reader.refresh().steps == [1]

    path.write_text(line(1) + line(2) + line(3))

    assert reader.refresh().steps == [1, 2, 3]


def test_reader_passes_over_damaged_lines_and_counts_them(reader: RunReader) -> None:
    reader.run.metrics_path.write_text(line(1) + "{nonsense\n[]\n" + line(2, None))

    curve = reader.refresh()

    assert curve.steps == [1, 2]
    assert math.isnan(curve.losses[1])
    assert curve.damaged_lines == 2


def test_curve_is_drawn_up_to_the_last_step_with_any_smoothing(reader: RunReader) -> None:
    path = reader.run.metrics_path
    path.write_text(line(1, 2.0) + line(2, 1.0))
    curve = reader.refresh()
    assert curve.places() == [0, 1]
    assert curve.smoothed(0.0) == [2.0, 1.0]
    assert curve.smoothed(0.9) == pytest.approx([2.0, (0.9 * 2 + 1) / 1.9])  # weights 0.9 and 1
    assert curve.smoothed_loss == pytest.approx((0.9 * 2 + 1) / 1.9)

    path.write_text(line(1, 2.0) + line(2, 1.0) + line(3, 0.5))
    reader.refresh()

    assert curve.places() == [0, 1, 2]
    for smoothing in np.linspace(0, 0.99, 100):
        assert len(curve.smoothed(float(smoothing))) == 3
    assert len(curve._smoothers) < 20


def test_curve_thinned_keeps_peaks_ends_of_epochs_and_the_last_step(reader: RunReader) -> None:
    losses = [1.0] * 5000
    losses[1234], losses[4321] = 9.0, 0.1
    epoch = '{"event": "epoch", "epoch": 1, "step": 2500, "average_loss": 1.0, "val_accuracy": 0.5}\n'
    reader.run.metrics_path.write_text("".join(line(step + 1, loss) for step, loss in enumerate(losses)) + epoch)

    places = reader.refresh().places()

    assert {1234, 4321, 2499, 4999} <= set(places)
    assert places == sorted(set(places))
    assert len(places) <= 602


def test_curve_step_that_is_not_in_every_list_yet_is_not_drawn() -> None:
    curve = Curve(steps=[1, 2], losses=[2.0, 1.0], learning_rates=[0.1], seconds=[0.5], images=[8])

    assert curve.places() == [0]


def test_reader_starts_over_when_a_resumed_run_dropped_lines(reader: RunReader) -> None:
    reader.run.metrics_path.write_text("".join(line(step) for step in range(1, 9)))
    reader.refresh()

    reader.run.metrics_path.write_text("".join(line(step, 0.5) for step in range(1, 4)))

    assert reader.refresh().losses == [0.5] * 3


def test_reader_of_a_later_run_of_the_same_name_tells_nothing_of_the_one_before(reader: RunReader) -> None:
    reader.run.metrics_path.write_text("".join(line(step) for step in range(1, 9)))
    before = reader.refresh()
    reader.run.update_status(state="stopped")
    delete_run(reader.run)

    create_run(RunConfig(), reader.run.name)
    assert reader.refresh().steps == []

    reader.run.metrics_path.write_text("".join(line(step) for step in range(1, 9)))  # the same ones
    assert reader.refresh() is not before


def test_images_per_second_is_the_speed_of_the_last_seconds(reader: RunReader) -> None:
    reader.run.metrics_path.write_text("".join(line(step) for step in range(1, 1001)))

    speed = images_per_second(reader.refresh())

    assert speed == pytest.approx(10 / 0.01)


def test_file_without_a_line_end_is_read_in_pieces_and_what_follows_it_is_found(
    reader: RunReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vgg_demo.runs.reader.MOST_BYTES", 1000)
    reader.run.metrics_path.write_text("x" * 5000 + "\n" + line(1) + line(2))

    read = [reader.refresh().last_step for _tick in range(8)]

    assert read[0] == 0  # not all of it at once
    assert read[-1] == 2
    assert reader.curve.damaged_lines > 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX's")
def test_command_to_a_run_whose_control_file_is_a_pipe_is_an_error(reader: RunReader) -> None:
    os.mkfifo(reader.run.control_path)

    with pytest.raises(StorageError, match="is no file"):
        reader.run.send("stop")
