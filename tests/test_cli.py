"""The command line: documents, exit statuses, one-line errors."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from tests.helpers import PROJECT
from tests.studies.scribbles import make_scribbles
from vgg_demo.__main__ import main
from vgg_demo.checkpoint import save_checkpoint
from vgg_demo.data import Digits, load_test
from vgg_demo.device import make_fabric
from vgg_demo.diagnosis.checks import diagnose_checkpoint
from vgg_demo.errors import ConfigError, RunError, RunFailedError, VggDemoError
from vgg_demo.model import VGG
from vgg_demo.predictions import load_predictions
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.runs.checkpoints import answers_path, find_checkpoint
from vgg_demo.runs.cost import record_speed
from vgg_demo.runs.reader import RunReader
from vgg_demo.runs.reveals import count_reveals
from vgg_demo.runs.store import create_run, get_run


def vgg_demo_process(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own."""
    command = [sys.executable, "-m", "vgg_demo", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8", timeout=600)


def vgg_demo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What the command line answers, in this process: torch need not be loaded again."""
    output, errors = io.StringIO(), io.StringIO()
    argv, no_handlers = patch.object(sys, "argv", ["vgg_demo", *map(str, arguments)]), "end_as_after_interrupt"
    with argv, patch(f"vgg_demo.runs.processes.{no_handlers}"), redirect_stdout(output), redirect_stderr(errors):
        status = main()
    return subprocess.CompletedProcess(arguments, status, output.getvalue(), errors.getvalue())


@pytest.fixture
def digit_file(mnist: tuple[Digits, Digits], tmp_path: Path) -> Path:
    path = tmp_path / "digit.png"
    Image.fromarray(mnist[1].images[0, 0].numpy()).resize((140, 140)).save(path)
    return path


def test_train_json_prints_one_document_with_the_promised_figures(home: Path) -> None:
    done = vgg_demo_process("train", "--steps", "30", "--run", "mine", "--lr", "0.005", "--seed", "3", "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) == {
        "run", "preset", "steps", "average_loss", "val_accuracy", "seconds", "images_per_second", "checkpoint",
    }  # fmt: skip
    assert (result["run"], result["preset"], result["steps"]) == ("mine", "classroom", 30)
    assert 0 <= result["val_accuracy"] <= 1
    assert Path(result["checkpoint"]).is_file()
    config = get_run("mine").config()
    assert (config.train.learning_rate, config.train.seed) == (0.005, 3)


def test_train_shows_progress_and_leaves_standard_error_free_of_tracebacks(home: Path) -> None:
    done = vgg_demo_process("train", "--steps", "10")

    assert done.returncode == 0
    assert "10/10" in done.stderr
    assert "classroom-1: finished after 10 steps" in done.stdout


def hear_interrupts() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_train_interrupted_stops_and_resumes_to_the_end(home: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "vgg_demo",
        "train",
        "--run",
        "mine",
        "--width",
        "0.05",
        "--steps",
        "800",
        "--json",
    ]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, preexec_fn=hear_interrupts)
    while not (home / "mine").is_dir() or not RunReader(get_run("mine")).refresh().steps:
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert 0 < json.loads(output)["steps"] < 800
    resumed = vgg_demo("train", "--resume", "--run", "mine", "--json")
    assert json.loads(resumed.stdout)["steps"] == 800


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--preset", "nonsense"], "classroom"),
        (["train", "--lr", "-1"], "learning_rate"),
        (["train", "--lr", "fast"], "--lr"),
        (["train", "--batch-size", "0"], "batch_size"),
        (["train", "--init", "magic"], "pytorch, he"),
        (["train", "--preset", "blog", "--image-size", "16"], "between 32 and 512"),
        (["train", "--epochs", "0"], "epochs"),
        (["train", "--run", "a/b"], "letters"),
        (["train", "--device", "abacus"], "cpu"),
        (["train", "--device", "mps"], "none; choose auto or cpu"),
        (["train", "--learning-rate", "nan"], "a finite number"),
        (["evaluate", "--checkpoint", ""], "there is no checkpoint ''"),
        (["diagnose", "--checkpoint", ""], "there is no checkpoint ''"),
        (["train", "--resume"], "--run"),
        (["train", "--resume", "--run", "unheard-of"], "unheard-of"),
        (["evaluate", "--checkpoint", "unheard-of"], "unheard-of"),
        (["evaluate", "--checkpoint", "README.md"], "README.md"),
        (["predict", "no-such-picture.png"], "no-such-picture.png"),
        (["predict", "README.md"], "README.md"),
        (["predict"], "IMAGE"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_exits_with_2_and_one_line(home: Path, arguments: list[str], words: str) -> None:
    done = vgg_demo(*arguments, *([] if arguments == ["nonsense"] else ["--json"]))

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not list(home.glob("classroom*"))


def test_bad_input_ends_the_process_with_2_and_one_line(home: Path) -> None:
    done = vgg_demo_process("train", "--preset", "nonsense", "--json")

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1


def test_bad_names_are_said_before_torch_is_loaded(home: Path) -> None:
    code = """
import sys
from vgg_demo.__main__ import main
for command in ("evaluate --checkpoint nonsense", "predict nonsense.png", "predict README.md --checkpoint nonsense",
                "diagnose --preset nonsense", "diagnose --checkpoint nonsense", "train --preset nonsense",
                "train --resume --run nonsense"):
    sys.argv[1:] = command.split()
    print(main(), "torch" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, encoding="utf-8")

    assert done.stdout.splitlines() == ["2 False"] * 7
    assert len(done.stderr.splitlines()) == 7


def test_predict_json_answers_in_the_order_asked(home: Path, digit_file: Path, tmp_path: Path) -> None:
    inverted, blank = tmp_path / "inverted.png", tmp_path / "blank.png"
    Image.eval(Image.open(digit_file), lambda value: 255 - value).save(inverted)
    Image.new("L", (50, 50), 200).save(blank)

    done = vgg_demo("predict", blank, digit_file, inverted, "--json")

    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["image"] for row in rows] == [str(blank), str(digit_file), str(inverted)]
    assert [row["digit"] for row in rows] == [None, 7, 7]  # the first test digit is a 7
    assert [row["blank"] for row in rows] == [True, False, False]
    assert sum(rows[1]["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert len(rows[1]["probabilities"]) == 10


def test_predict_folder_reads_every_picture_and_says_when_it_cannot_tell(
    home: Path, digit_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    digit = Image.open(digit_file)
    two = Image.new("L", (320, 140))
    two.paste(digit, (0, 0))
    two.paste(digit, (180, 0))
    two.save(folder / "two.png")
    digit.save(folder / "one.png")
    scribble = dict(make_scribbles(7))["zigzag"]
    Image.fromarray(scribble).save(folder / "scribble.png")
    (folder / "notes.txt").write_text("no picture")

    done = vgg_demo("predict", folder, "--json")

    rows = {Path(row["image"]).name: row for row in json.loads(done.stdout)}
    assert list(rows) == ["one.png", "scribble.png", "two.png"]
    assert (rows["one.png"]["digits"], rows["one.png"]["can_tell"]) == ([7], True)
    assert rows["two.png"]["digits"] == [7, 7]
    assert rows["scribble.png"]["can_tell"] is False
    assert not rows["scribble.png"]["blank"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_predict_folder_lists_what_cannot_be_read_goes_on_and_exits_with_1(
    home: Path, digit_file: Path, tmp_path: Path, options: list[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("b.png", "d.png"):
        Image.open(digit_file).save(folder / name)
    (folder / "a.png").write_text("no picture")
    (folder / "c.jpg").write_bytes(b"")

    done = vgg_demo("predict", folder, folder / "missing.png", *options)

    assert done.returncode == 1
    errors = done.stderr.strip().splitlines()
    assert [line.split(": ")[1] for line in errors] == [str(folder / n) for n in ("a.png", "c.jpg", "missing.png")]
    if not options:
        assert done.stdout.startswith(f"{folder / 'b.png'}: 7 (")
        assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
            str(folder / "b.png"),
            str(folder / "d.png"),
        ]
        return
    rows = json.loads(done.stdout)
    assert [(Path(row["image"]).name, row["digit"]) for row in rows] == [
        ("a.png", None),
        ("b.png", 7),
        ("c.jpg", None),
        ("d.png", 7),
        ("missing.png", None),
    ]
    assert [row["error"] is None for row in rows] == [False, True, False, True, False]
    assert not any(row["blank"] for row in rows)


def test_evaluate_json_gives_the_shipped_model_over_995_in_a_thousand(home: Path) -> None:
    done = vgg_demo("evaluate", "--json", "--answers", home / "answers.safetensors")

    result = json.loads(done.stdout)
    assert result["n"] == 10_000
    assert result["accuracy"] > 0.995
    assert sum(map(sum, result["confusion_matrix"])) == 10_000
    assert sum(result["confusion_matrix"][i][i] for i in range(10)) == result["correct"]
    assert [sum(row) for row in result["confusion_matrix"]] == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    answers = load_predictions(home / "answers.safetensors")
    shipped = load_predictions(answers_path(hashlib.sha256(find_checkpoint("best").read_bytes()).hexdigest()))
    assert answers is not None and shipped is not None  # made anew with the network: evaluate --answers
    np.testing.assert_allclose(answers.logits, shipped.logits, atol=0.02)
    assert (answers.labels == shipped.labels).all() and (answers.indices == shipped.indices).all()


def test_evaluate_answers_that_cannot_be_written_say_so(home: Path) -> None:
    (home / "images" / "3").mkdir(parents=True)
    Image.fromarray(load_test().images[18, 0].numpy()).save(home / "images" / "3" / "a.png")
    (home / "file").touch()

    done = vgg_demo("evaluate", "--json", "--images", home / "images", "--answers", home / "file" / "answers")

    assert done.returncode == 2
    assert re.fullmatch(r"error: .*answers cannot be written \(.+\)\n", done.stderr)


def test_evaluate_counts_a_look_at_a_run_s_test_result_by_a_relative_path_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(PRESETS["classroom"].config.with_changes(width=0.02), "mine")
    save_checkpoint(run.checkpoint_path, VGG(run.config().model), run.config(), {})

    monkeypatch.chdir(home.parent)
    done = vgg_demo("evaluate", "--checkpoint", Path(home.name) / "mine", "--json")

    assert done.returncode == 0, done.stderr
    assert count_reveals(run) == 1


def test_train_resume_of_an_unknown_run_names_those_that_there_are(home: Path) -> None:
    create_run(PRESETS["classroom"].config, "mine")

    done = vgg_demo("train", "--resume", "--run", "yours")

    assert done.returncode == 2
    assert done.stderr == "error: there is no run 'yours'; runs are mine\n"


def test_train_resume_in_an_empty_store_says_that_there_are_no_runs(home: Path) -> None:
    done = vgg_demo("train", "--resume", "--run", "yours")

    assert done.stderr == "error: there is no run 'yours'; there are no runs yet\n"


def test_presets_json_lists_all_with_parameters_and_seconds(home: Path) -> None:
    for preset in PRESETS.values():
        record_speed(preset.config, 0.01)

    done = vgg_demo("presets", "--json")

    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows][:5] == ["classroom", "lesson", "blog-mini", "fixed-mini", "bn-mini"]
    assert next(row for row in rows if row["name"] == "blog")["parameters"] == 121_586_242
    assert all(row["seconds"] > 0 for row in rows)


def test_diagnose_json_says_why_the_storys_network_does_not_learn(home: Path) -> None:
    done = vgg_demo("diagnose", "--preset", "blog-mini", "--steps", "20", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["verdict"] == "the input does not reach the output"
    assert document["causes"][0] == document["verdict"]
    assert set(document["evidence"]) == set(document["causes"])
    assert [layer["name"] for layer in document["layers"]][::15] == ["conv 1", "linear 3"]
    assert document["step"] == 20


def test_diagnose_trains_a_checkpoint_of_another_device_on_the_one_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    config = get_preset("classroom").config.with_changes(width=0.05, device="cuda", precision="bf16-mixed")
    path = tmp_path / "trained-on-a-gpu.safetensors"
    save_checkpoint(path, VGG(config.model), config, {"steps": 10})

    _verdict, diagnosis = diagnose_checkpoint(path, steps=1)

    assert diagnosis.step == 11


def test_device_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    with pytest.raises(ConfigError, match="device 'cuda': this machine has none"):
        make_fabric("cuda")


def test_diagnose_checkpoint_of_the_shipped_model_finds_it_learning(home: Path) -> None:
    done = vgg_demo("diagnose", "--checkpoint", "best", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["verdict"], document["causes"]) == ("learning", [])


@pytest.mark.parametrize(
    "arguments", [["--preset", "nonsense"], ["--preset", "blog", "--checkpoint", "best"], ["--steps", "-1"]]
)
def test_diagnose_with_bad_input_exits_with_2_and_one_line(home: Path, arguments: list[str]) -> None:
    done = vgg_demo("diagnose", *arguments, "--json")

    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [(RunFailedError("out of steam"), 1), (RunError("no run 'it failed: often'"), 2), (ConfigError("so not"), 2)],
)
def test_exit_status_follows_the_kind_of_error_and_not_its_words(
    monkeypatch: pytest.MonkeyPatch, error: VggDemoError, status: int
) -> None:
    def fail(_arguments: object, **_settings: object) -> None:
        raise error

    monkeypatch.setattr("vgg_demo.__main__.cli", fail)

    assert main() == status


def test_predict_json_into_a_pipe_takes_every_letter_in_any_encoding(
    home: Path, digit_file: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "数字.png"
    picture.write_bytes(digit_file.read_bytes())
    command = [sys.executable, "-m", "vgg_demo", "predict", str(picture), "--json"]

    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "PYTHONIOENCODING": "cp1252"}, capture_output=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8"))[0]["image"] == str(picture)
