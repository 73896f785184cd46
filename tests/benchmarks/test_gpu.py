"""The benchmark's part for a GPU, in small on the CPU: its rows, its time limits and what it does without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.benchmarks import gpu
from tests.benchmarks.__main__ import benchmark
from tests.benchmarks.gpu import LIMITS, rows_of
from tests.benchmarks.gpu_parts import Bench, scaled
from tests.benchmarks.rows import Row
from tests.benchmarks.variants import as_compiled, faster
from tests.helpers import python_calls
from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.data import Digits
from vgg_demo.model import VGG
from vgg_demo.terminal import run
from vgg_demo.training import Training

MODEL = ModelConfig("vgg4", 1 / 16, image_size=8, channels=1, batch_norm=True)
TINY = RunConfig("custom", MODEL, TrainConfig(batch_size=8, steps=3, validation_images=0, device="cpu"))
ROW = '{"part": "gpu", "what": "one", "unit": "s", "values": [1.0, 2.0], "note": "", "is_bound": false}'
ABSENT = ("psutil", "streamlit", "captum")


@pytest.fixture
def bench(mnist: tuple[Digits, Digits]) -> Bench:
    return Bench(mnist[0], mnist[1][:50], is_small=True)


@pytest.fixture
def without_packages(tmp_path: Path) -> dict[str, str]:
    """An environment in which a process and its children find none of these packages."""
    for name in ABSENT:
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError(__name__)\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def rows_from(code: str, limit_seconds: float = 30.0) -> list[Row]:
    return list(rows_of("some", [sys.executable, "-c", code], limit_seconds))


def test_rows_of_process_that_ends_well_are_those_it_printed() -> None:
    rows = rows_from(f"print('a library says hello'); print('''{ROW}''')")

    assert rows == [Row("gpu", "one", "s", (1.0, 2.0))]


def test_rows_of_process_that_fails_end_with_one_line_that_says_why() -> None:
    rows = rows_from(f"print('''{ROW}''', flush=True); raise ValueError('no such card')")

    assert [row.what for row in rows] == ["one", "some: the rest of it"]
    assert rows[-1].values == ()
    assert rows[-1].note == "failed: ValueError: no such card"


@pytest.mark.parametrize(
    "waits", ["time.sleep(600)", "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"]
)
def test_rows_of_process_that_hangs_are_kept_and_it_is_stopped(waits: str) -> None:
    rows = rows_from(f"import subprocess, sys, time; print('''{ROW}''', flush=True); {waits}", limit_seconds=3.0)

    assert rows[0].what == "one"
    assert "stopped after" in rows[-1].note


def test_scaled_epoch_leaves_out_the_first_step() -> None:
    assert scaled([5.0, 1.0, 1.0], 101) == 101
    assert scaled([2.0], 10) == 20


def test_run_small_takes_its_steps_and_averages_their_losses(bench: Bench) -> None:
    outcome = bench.run(TINY)

    assert len(outcome.seconds) == 3
    assert outcome.average_loss == pytest.approx(2.3, abs=0.5)


def test_run_out_of_time_stops_after_the_step_that_was_one_too_many(bench: Bench) -> None:
    assert len(bench.run(TINY, limit_seconds=1e-9).seconds) == 1


def test_faster_forward_is_used_for_whole_batches_in_training_alone(bench: Bench) -> None:
    shapes = []

    def make(network: VGG, sample: torch.Tensor) -> object:
        network(sample)  # in training: batch normalisation's running figures change

        def forward(images: torch.Tensor) -> torch.Tensor:
            shapes.append(tuple(images.shape))
            return VGG.forward(network, images)

        return forward

    config = TINY.with_changes(batch_size=9_000, steps=7)  # of 60,000: the seventh is smaller
    plain, fast = bench.run(config), bench.run(config, faster(make))
    bench.accuracy(fast)

    assert shapes == [(9_000, 1, 8, 8)] * 6
    assert fast.average_loss == pytest.approx(plain.average_loss, rel=1e-5)
    for mine, theirs in zip(
        fast.training.network.state_dict().values(), plain.training.network.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_as_compiled_learns_what_the_plain_network_learns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_with = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_with(f, backend="aot_eager", **options))

    fast = bench.run(TINY, faster(as_compiled))

    assert fast.average_loss == pytest.approx(bench.run(TINY).average_loss, rel=1e-5)


def test_network_in_training_has_no_hooks_which_a_graph_could_not_record(bench: Bench) -> None:
    network = bench.run(TINY).training.network

    fresh, images = VGG(network.config).train(network.training), torch.zeros(2, 1, 8, 8)
    assert python_calls(lambda: network(images)) == python_calls(lambda: fresh(images))


@pytest.mark.slow
def test_report_loads_and_every_part_in_small_is_measured_without_packages_that_gpu_machines_lack(
    without_packages: dict[str, str], project: Path
) -> None:
    modules = ["__main__", "report", "gpu", "gpu_parts", "story"]
    code = (
        "import importlib, json\n"
        f"for name in {modules!r}: importlib.import_module('tests.benchmarks.' + name)\n"
        "from tests.benchmarks.gpu import LIMITS, main\n"
        "from tests.benchmarks.machine import machine\n"
        "print(json.dumps(machine()))\n"
        "for part in LIMITS:\n"
        "    print('measured:', part)\n"
        "    main(part, is_quick=True)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=without_packages, capture_output=True, encoding="utf-8"
    )

    assert done.returncode == 0, done.stderr
    before, *after = done.stdout.split("measured: ")
    machine = json.loads(before)
    assert machine["memory"] == "unknown"
    assert machine["torch"] == torch.__version__.partition("+")[0] or machine["torch"] == torch.__version__
    assert machine["graphics card"]
    measured = [part.splitlines() for part in after]
    assert [lines[0] for lines in measured] == list(LIMITS)
    rows = [[json.loads(line) for line in lines if line.startswith("{")] for lines in measured]
    assert all(rows)
    assert {row["part"] for part in rows for row in part} == {"gpu"}
    if not torch.cuda.is_available():
        assert all("not measured on a GPU" in row["note"] for part in rows for row in part)
    assert {"vgg16-gpu: its epoch", "classroom, plain", "story's epoch / ours", "best: its training"} <= {
        row["what"] for part in rows for row in part
    }


@pytest.mark.slow
def test_benchmark_only_gpu_measures_its_parts_in_processes_of_their_own(
    without_packages: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "LIMITS", {"classroom": LIMITS["classroom"]})
    monkeypatch.setenv("PYTHONPATH", without_packages["PYTHONPATH"])
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "gpu", "--quick", "--json"])

    assert run(benchmark) == 0

    rows = json.loads(capsys.readouterr().out)["rows"]
    assert "classroom, plain" in {row["what"] for row in rows}
    assert not [row["note"] for row in rows if row["note"].startswith(("failed", "stopped", "no time"))]


def test_training_alone_looks_for_no_cluster(mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for one fails where mpi4py is installed and MPI is not."""
    from lightning_fabric.plugins.environments import MPIEnvironment

    from vgg_demo.device import make_fabric

    def no_library() -> bool:
        raise RuntimeError("cannot load MPI library")

    monkeypatch.setattr(MPIEnvironment, "detect", staticmethod(no_library))

    training = Training(TINY, mnist[0], make_fabric("cpu"))

    assert next(training.run()).step == 1
