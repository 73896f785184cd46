"""A checkpoint comes back whole, or says in one line why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vgg_demo.checkpoint import load_checkpoint, read_header, save_checkpoint
from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.data import Digits
from vgg_demo.errors import CheckpointError, StorageError
from vgg_demo.evaluation import predict_logits
from vgg_demo.model import VGG

SMALL = ModelConfig("vgg4", 1 / 16, image_size=28, channels=1, batch_norm=True, classifier="linear")
CONFIG = RunConfig("classroom", SMALL, TrainConfig(seed=7))
METRICS = {"steps": 12, "average_loss": 0.25, "val_accuracy": None}


@pytest.fixture
def network() -> VGG:
    torch.manual_seed(0)
    network: VGG = VGG(SMALL).to(memory_format=torch.channels_last)
    return network.eval()


@pytest.fixture
def path(tmp_path: Path, network: VGG) -> Path:
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, network, CONFIG, METRICS)
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Replace texts of the header, or drop those that are None."""
    with safe_open(path, "pt") as file:
        texts = {k: v for k, v in {**file.metadata(), **changes}.items() if v is not None}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
    save_file(tensors, path, texts)


def assert_refused(path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_checkpoint_gives_the_same_logits_and_header(
    path: Path, network: VGG, mnist: tuple[Digits, Digits]
) -> None:
    images = mnist[1].images[:16]

    loaded, header = load_checkpoint(path)

    assert torch.equal(predict_logits(loaded, images), predict_logits(network, images))
    assert header.config == CONFIG
    assert header.metrics == METRICS
    assert header == read_header(path)
    assert not loaded.training


def test_read_header_of_an_earlier_version_reads_former_names(path: Path) -> None:
    config = CONFIG.to_dict()
    config["train"]["restyle"] = config["train"].pop("handwriting_styles") + 0.5
    rewrite(path, config=json.dumps(config))

    assert read_header(path).config == CONFIG.with_changes(handwriting_styles=0.5)


def test_load_checkpoint_leaves_the_random_numbers_alone(path: Path) -> None:
    state = torch.get_rng_state()

    load_checkpoint(path)

    assert torch.equal(torch.get_rng_state(), state)


def test_save_checkpoint_header_holds_the_checksums_of_the_data(path: Path, checksums: dict[str, str]) -> None:
    assert read_header(path).dataset == checksums


def test_save_checkpoint_again_replaces_the_file_and_leaves_no_other(path: Path, network: VGG) -> None:
    save_checkpoint(path, network, CONFIG, {"steps": 13})

    assert read_header(path).metrics == {"steps": 13}
    assert list(path.parent.iterdir()) == [path]


def test_load_checkpoint_missing_file_raises_checkpoint_error(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nothing.safetensors")


def test_load_checkpoint_folder_raises_checkpoint_error(tmp_path: Path) -> None:
    assert_refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"a text, and no network\n" * 20, b"\xff" * 64, b"\x02" + bytes(7) + b"{}"])
def test_load_checkpoint_of_something_else_raises_checkpoint_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)

    assert_refused(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_load_checkpoint_cut_short_raises_checkpoint_error(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    assert_refused(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_load_checkpoint_of_another_program_raises_checkpoint_error(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata)

    assert_refused(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": None},
        {"config": "{"},
        {"config": "[]"},
        {"config": '{"model": {"plan": "vgg17"}}'},
        {"config": '{"model": {"width": 1' + "0" * 400 + "}}"},
        {"metrics": "not json"},
        {"dataset": None},
    ],
)
def test_load_checkpoint_damaged_header_raises_checkpoint_error(path: Path, changes: dict[str, str | None]) -> None:
    rewrite(path, **changes)

    assert_refused(path)


@pytest.mark.parametrize(
    "model",
    [
        ModelConfig("vgg7", 1 / 16, image_size=28, channels=1, batch_norm=True, classifier="linear"),
        ModelConfig("vgg4", 1 / 8, image_size=28, channels=1, batch_norm=True, classifier="linear"),
        ModelConfig("vgg4", 1 / 16, image_size=28, channels=3, batch_norm=True, classifier="linear"),
        ModelConfig("vgg4", 1 / 16, image_size=28, channels=1, classifier="linear"),
    ],
)
def test_load_checkpoint_header_of_another_network_raises_checkpoint_error(
    path: Path, network: VGG, model: ModelConfig
) -> None:
    save_checkpoint(path, network, RunConfig("custom", model), METRICS)

    assert_refused(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_load_checkpoint_weights_that_are_no_numbers_raise_checkpoint_error(
    path: Path, network: VGG, value: float
) -> None:
    with torch.no_grad():
        network.features[0].weight[0, 0, 0, 0] = value
    save_checkpoint(path, network, CONFIG, METRICS)

    assert_refused(path)


def test_save_checkpoint_folder_missing_raises_storage_error_and_leaves_nothing(tmp_path: Path, network: VGG) -> None:
    path = tmp_path / "missing" / "model.safetensors"

    with pytest.raises(StorageError) as caught:
        save_checkpoint(path, network, CONFIG, METRICS)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_save_checkpoint_file_where_the_folder_should_be_raises_storage_error(tmp_path: Path, network: VGG) -> None:
    (tmp_path / "occupied").write_text("a file")

    with pytest.raises(StorageError):
        save_checkpoint(tmp_path / "occupied" / "model.safetensors", network, CONFIG, METRICS)


def test_save_checkpoint_that_fails_late_keeps_the_old_file_and_leaves_no_other(
    path: Path, network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def no_space(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)

    with pytest.raises(StorageError, match="No space left"):
        save_checkpoint(path, network, CONFIG, {"steps": 13})

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
