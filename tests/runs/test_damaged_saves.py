"""Whatever stands in what is saved of a training, or in a checkpoint, is refused in one sentence and does no harm."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning_fabric import Fabric
from safetensors.torch import save_file

from tests.helpers import TINY
from tests.runs.test_damaged_files import DEEP, any_file, scalars
from vgg_demo.checkpoint import read_header
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits
from vgg_demo.errors import CheckpointError, ConfigError, RunError
from vgg_demo.export.run_files import run_script
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.recorder import Recorder
from vgg_demo.runs.resume import read_resume
from vgg_demo.runs.store import Run, create_run
from vgg_demo.training import Training


@pytest.fixture
def run(home: Path) -> Run:
    return create_run(TINY)


POSITION = {"metrics_bytes": 0, "log_bytes": 0, "seconds": 1.0, "last_epoch": None, "total_steps": 1}


@pytest.mark.parametrize(
    "state",
    [
        {},
        [],
        7,
        {"training": {}},
        {"training": [], "recorder": POSITION},
        {"training": {}, "recorder": {}},
        {"training": {}, "recorder": {**POSITION, "metrics_bytes": -1}},
        {"training": {}, "recorder": {**POSITION, "seconds": float("nan")}},
        {"training": {}, "recorder": {**POSITION, "last_epoch": {"step": "x"}}},
        {"training": {}, "recorder": {**POSITION, "total_steps": torch.zeros(3)}},
    ],
)
def test_resume_of_an_unknown_structure_is_one_sentence(run: Run, state: Any) -> None:
    torch.save(state, run.resume_path)

    with pytest.raises(RunError, match=r"resume\.pt cannot be read: .*start a new run"):
        read_resume(run)


class Harmful:
    """What a pickle of a stranger may hold."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return Path.touch, (Path("harmed"),)  # type: ignore[return-value]


@pytest.mark.parametrize("content", [pickle.dumps({"training": Harmful()}), b"", b"PK\x03\x04cut", b"\x80\x02}."])
def test_resume_that_is_refused_does_not_advise_to_run_its_code(run: Run, content: bytes) -> None:
    run.resume_path.write_bytes(content)

    with pytest.raises(RunError) as refused:
        read_resume(run)

    assert "weights_only" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_recorder_given_more_bytes_than_there_are_makes_no_file_larger(run: Run) -> None:
    run.metrics_path.write_text("0123456789")

    Recorder(run, TINY, {**POSITION, "metrics_bytes": 10**10, "log_bytes": 4}).close()

    assert (run.metrics_path.stat().st_size, run.log_path.stat().st_size) == (10, 0)


@pytest.mark.parametrize("name", ["model", "optimizer", "average", "step", "epoch_loss", "learning_rate_override"])
@pytest.mark.parametrize("value", [None, [], "x", {"a": 1}, float("inf")])
def test_training_state_of_another_structure_is_one_sentence(
    mnist: tuple[Digits, Digits], fabric: Fabric, name: str, value: object
) -> None:
    training = Training(TINY, mnist[0][:100], fabric)
    state = training.state_dict()

    try:
        training.load_state_dict({**state, name: value})
    except RunError as error:
        assert "another training" in str(error)


def header(path: Path, **texts: str) -> None:
    good = {"config": json.dumps(TINY.to_dict()), "metrics": "{}", "dataset": "{}"}
    save_file({"weight": torch.zeros(1)}, path, {"format": "vgg-demo-1", **good, **texts})


@pytest.mark.parametrize("part", ["config", "metrics", "dataset"])
@pytest.mark.parametrize("content", [DEEP, "[]", "7", '{"steps": "x", "preset": 1}', '{"train-labels-idx1-ubyte": 1}'])
def test_checkpoint_whose_header_is_anything_is_one_sentence(tmp_path: Path, part: str, content: str) -> None:
    path = tmp_path / "model.safetensors"
    header(path, **{part: content})

    try:
        read_header(path)
    except CheckpointError as error:
        assert "header is damaged" in str(error)
    else:
        assert content[0] == "{"


@any_file
@given(scalars | st.just('x"""\nimport os\nos.abort()\n"""') | st.just("inf"))
def test_script_of_any_preset_is_a_script_without_its_words(preset: Any) -> None:
    values = {**TINY.to_dict(), "preset": preset}

    try:
        script = run_script(RunConfig.from_dict(values), RunReader(Run(Path("nowhere"))).refresh())
    except ConfigError:
        return

    compile(script, "script", "exec")
    assert script.count('"""') >= 2
    assert "os.abort" not in script
