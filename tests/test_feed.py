"""What a page that shows a run fetches once a second."""

from __future__ import annotations

import json
import os
import urllib.error
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.test_diagnosis_view import SPREAD, STEADY, looked
from tests.test_reader import line
from vgg_demo.benchmark.server import Server
from vgg_demo.config import RunConfig, TrainConfig
from vgg_demo.errors import RunError
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.store import Run, Status, create_run
from vgg_demo.ui.feed import UPLOT, UPLOT_URL, ceiling, page_key, routes, snapshot


@pytest.fixture
def run(home: Path) -> Run:
    """A run of 4 epochs of 250 steps that goes on: this process counts as its worker."""
    run = create_run(RunConfig(train=TrainConfig(epochs=4, batch_size=220, validation_images=5000)))
    run.update_status(state="running", pid=os.getpid())
    return run


def record(run: Run, *lines: str) -> None:
    with run.metrics_path.open("a") as file:
        file.writelines(lines)


def event(kind: str, **values: Any) -> str:
    return json.dumps({"event": kind, **values}) + "\n"


def test_snapshot_before_the_first_step_has_figures_and_no_points(run: Run) -> None:
    seen = snapshot(run)

    assert dict(seen["figures"]) == {
        "Step": "0 / 1,000", "Loss": "–", "Images per second": "–", "Elapsed · left": "– · –"
    }  # fmt: skip
    assert seen["words"] == "Loss curve: no batch has been learned from yet."
    assert seen["steps"] == seen["losses"] == seen["smoothed"] == seen["accuracies"] == []
    assert (seen["total"], seen["progress"], seen["is_over"]) == (1000, 0, False)
    assert seen["epoch_marks"] == [(250, "1"), (500, "2"), (750, "3")]


def test_snapshot_holds_the_points_their_average_and_what_was_marked(run: Run) -> None:
    record(run, line(1, 2.0), line(2, 1.0), line(3, None), event("learning_rate", step=2, learning_rate=0.002))
    record(run, event("epoch", epoch=1, step=3, average_loss=1.5, val_accuracy=0.98765))

    seen = snapshot(run, smoothing=0.5, with_rates=True)

    assert (seen["steps"], seen["losses"]) == ([1, 2], [2.0, 1.0])  # a loss that is no number has no place
    assert seen["smoothed"][:2] == pytest.approx([2.0, (0.5 * 2 + 1) / 1.5], rel=1e-4)  # weights 0.5 and 1
    assert (seen["rate_steps"], seen["rates"]) == ([1, 2, 3], [0.1, 0.1, 0.1])
    assert (seen["accuracy_steps"], seen["accuracies"]) == ([3], [98.765])
    assert seen["rate_changes"] == [(2, "0.002")]
    assert seen["progress"] == 0.003
    assert dict(seen["figures"])["Images per second"] == "1,000"  # 10 images each hundredth of a second
    assert snapshot(run)["rate_steps"] is None
    json.dumps(seen, allow_nan=False)


def test_snapshot_of_a_long_run_stays_small(run: Run) -> None:
    record(run, *(line(step, 2.3 / step) for step in range(1, 20_001)))

    size = len(json.dumps(snapshot(run, with_rates=True)))

    assert size < 60_000
    assert snapshot(run)["total"] == 20_000  # it went on past its end


def test_snapshot_of_a_run_that_cannot_be_read_says_so(run: Run) -> None:
    run.config_path.write_text("{")

    with pytest.raises(RunError, match=r"config\.json cannot be read"):
        snapshot(run)


def test_page_key_changes_when_the_page_has_to_and_not_with_each_step(run: Run) -> None:
    status, curve = run.status(), Curve(steps=[1], losses=[2.3], seconds=[1.0])
    later = Curve(steps=[1, 2], losses=[2.3, 2.2], seconds=[1.0, 9.0])
    seen = replace(later, diagnoses=[looked(1, STEADY, SPREAD), looked(2, STEADY, SPREAD)])
    more = replace(seen, diagnoses=[*seen.diagnoses, looked(5, STEADY, SPREAD)])
    key = page_key(status, curve, is_followed=False)

    assert page_key(status, later, is_followed=False) == key
    assert page_key(status, later, is_followed=True) == page_key(status, curve, is_followed=True)
    assert page_key(status, seen, is_followed=False) != key  # it can be said that it learns
    assert page_key(status, more, is_followed=False) == page_key(status, seen, is_followed=False)
    assert page_key(status, more, is_followed=True) != page_key(status, seen, is_followed=True)
    assert page_key(status, Curve(), is_followed=False) != key
    assert page_key(status, Curve(steps=[1], losses=[2.3], damaged_lines=1), is_followed=False) != key
    assert page_key(Status("paused"), curve, is_followed=False) != key


def test_ceiling_is_above_ln_10_and_follows_most_of_a_curve_that_lies_higher() -> None:
    assert ceiling(Curve(losses=[2.3] * 99 + [900.0])) == 3.0  # 2.3 × 1.1, to the next half; one peak does not count
    assert ceiling(Curve(losses=[0.1] * 10)) == 2.5
    assert ceiling(Curve(losses=[float("nan"), 8.0])) == 9.0
    assert ceiling(Curve()) == 2.5


def test_server_gives_the_snapshot_and_the_library_and_says_what_is_wrong(run: Run, home: Path) -> None:
    record(run, line(1, 2.0), line(2, 1.0))
    with Server(home) as server:
        seen = json.loads(server.read(f"feed/{run.name}?smoothing=0.5&rates=1&followed=1"))
        library = server.read(UPLOT_URL).decode()
        errors = {}
        for path in ("feed/no-such-run", "feed/..%2f..%2fetc", f"feed/{run.name}?smoothing=much"):
            with pytest.raises(urllib.error.HTTPError) as error:
                urlopen(f"{server.url}/{path}")
            errors[path] = error.value.code
            error.value.close()

    expected = json.loads(json.dumps(snapshot(run, 0.5, with_rates=True, is_followed=True)))
    assert seen["smoothed"] == expected["smoothed"]
    assert seen["words"] == "Loss curve: step 2 of 1000. The loss began at 2.00 and is now 1.47, smoothed."
    assert library.startswith(UPLOT.read_text("utf-8")[:50])
    assert library.endswith("export default uPlot;\n")
    assert list(errors.values()) == [404, 400, 400]  # the second is refused before it is looked for


@pytest.mark.parametrize(("base_path", "paths"), [
    ("", ["/feed/{name}", f"/{UPLOT_URL}"]),
    ("/class/", ["/class/feed/{name}", f"/class/{UPLOT_URL}"]),
])  # fmt: skip
def test_routes_lie_where_the_page_does(base_path: str, paths: list[str]) -> None:
    assert [route.path for route in routes(base_path)] == paths
