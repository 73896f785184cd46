"""MNIST: the shipped copy, its repair, the split and the order of images."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST

from vgg_demo import mnist_files
from vgg_demo.data import Digits, batches, epoch_order, load_test, split_train
from vgg_demo.errors import DataError
from vgg_demo.mnist_files import data_folder, unpack_mnist

IMAGES = "train-images-idx3-ubyte"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_garbage(path: Path) -> None:
    path.write_bytes(b"this is no gzip file" * 100)


def pack_something_else(path: Path) -> None:
    path.write_bytes(gzip.compress(b"well packed, but not MNIST"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnist")
    unpack_mnist(folder)
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped files that a test may damage."""
    copy = tmp_path / "shipped"
    shutil.copytree(mnist_files.SHIPPED, copy)
    monkeypatch.setattr(mnist_files, "SHIPPED", copy)
    return copy


@pytest.fixture(scope="module")
def numbered(mnist: tuple[Digits, Digits]) -> Digits:
    """The training labels with images that hold nothing but their own number."""
    return Digits(torch.arange(60_000).view(-1, 1, 1, 1), mnist[0].labels)


@pytest.mark.parametrize("train", [True, False])
def test_load_mnist_equals_what_torchvision_reads(unpacked: Path, mnist: tuple[Digits, Digits], train: bool) -> None:
    reference = MNIST(unpacked, train=train, download=False)

    digits = mnist[0] if train else mnist[1]

    assert digits.images.dtype == torch.uint8
    assert torch.equal(digits.images, reference.data[:, None])
    assert torch.equal(digits.labels, reference.targets)


def test_unpack_mnist_writes_files_with_the_known_md5(unpacked: Path, checksums: dict[str, str]) -> None:
    raw = unpacked / "MNIST" / "raw"

    found = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in raw.iterdir()}

    assert found == checksums


def test_shipped_copy_is_below_12_megabytes() -> None:
    assert sum(path.stat().st_size for path in mnist_files.SHIPPED.iterdir()) < 12_000_000


@pytest.mark.parametrize("name", [IMAGES, "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", [truncate, flip_bit, Path.unlink])
def test_unpack_mnist_damaged_file_is_repaired_and_others_left_alone(
    unpacked: Path, checksums: dict[str, str], name: str, damage: Callable[[Path], None],
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    raw = unpacked / "MNIST" / "raw"
    others = {path: path.stat().st_mtime_ns for path in raw.iterdir() if path.name != name}
    damage(raw / name)

    files = unpack_mnist(unpacked)

    assert hashlib.md5((raw / name).read_bytes()).hexdigest() == checksums[name]
    assert hashlib.md5(files[name]).hexdigest() == checksums[name]
    assert {path: path.stat().st_mtime_ns for path in raw.iterdir() if path.name != name} == others
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("damage", [truncate, write_garbage, pack_something_else, Path.unlink])
def test_unpack_mnist_damaged_shipped_copy_raises_data_error_naming_it(
    shipped: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    packed = shipped / f"{IMAGES}.gz"
    damage(packed)

    with pytest.raises(DataError) as caught:
        unpack_mnist(tmp_path / "data")

    assert str(packed) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_unpack_mnist_file_where_the_folder_should_be_raises_data_error(tmp_path: Path) -> None:
    place = tmp_path / "occupied"
    place.write_text("a file")

    with pytest.raises(DataError) as caught:
        unpack_mnist(place)

    assert str(place) in str(caught.value)
    assert "VGG_DEMO_DATA" in str(caught.value)
    assert place.read_text() == "a file"


def test_unpack_mnist_write_that_fails_leaves_nothing_half_written(tmp_path: Path) -> None:
    in_the_way = tmp_path / "MNIST" / "raw" / IMAGES
    in_the_way.mkdir(parents=True)

    with pytest.raises(DataError, match="VGG_DEMO_DATA"):
        unpack_mnist(tmp_path)

    assert list(in_the_way.parent.iterdir()) == [in_the_way]


def test_load_test_reads_the_folder_that_the_environment_names(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch, mnist: tuple[Digits, Digits]
) -> None:
    monkeypatch.setenv("VGG_DEMO_DATA", str(unpacked))
    monkeypatch.setattr(mnist_files, "SHIPPED", Path("nowhere"))  # so that it must come from there

    digits = load_test()

    assert data_folder() == unpacked
    assert torch.equal(digits.images, mnist[1].images)


def test_split_train_5000_is_disjoint_and_complete(numbered: Digits) -> None:
    train, validation = split_train(numbered, 5_000, seed=0)

    train_numbers, validation_numbers = set(train.images.flatten().tolist()), set(validation.images.flatten().tolist())
    assert (len(train), len(validation)) == (55_000, 5_000)
    assert (len(train_numbers), len(validation_numbers)) == (55_000, 5_000)
    assert train_numbers | validation_numbers == set(range(60_000))
    assert torch.equal(train.labels, numbered.labels[train.images.flatten()])


@pytest.mark.parametrize("images", [1, 777, 5_000, 30_000])
def test_split_train_takes_each_digit_in_proportion_to_within_one(numbered: Digits, images: int) -> None:
    counts = np.bincount(numbered.labels.numpy(), minlength=10)

    _, validation = split_train(numbered, images, seed=3)

    taken = np.bincount(validation.labels.numpy(), minlength=10)
    assert taken.sum() == images
    assert (np.abs(taken - counts * images / 60_000) < 1).all()


def test_split_train_same_seed_gives_the_same_split_and_another_seed_another(numbered: Digits) -> None:
    first, again, other = (split_train(numbered, 5_000, seed)[1].images for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_split_train_zero_validation_keeps_all_in_order(numbered: Digits) -> None:
    train, validation = split_train(numbered, 0, seed=0)

    assert torch.equal(train.images.flatten(), torch.arange(60_000))
    assert len(validation) == 0


def test_epoch_order_is_a_permutation() -> None:
    order = epoch_order(1000, seed=0, epoch=0)

    assert sorted(order.tolist()) == list(range(1000))


def test_epoch_order_is_decided_by_seed_and_epoch() -> None:
    order = epoch_order(1000, seed=0, epoch=0)

    assert torch.equal(order, epoch_order(1000, seed=0, epoch=0))
    assert not torch.equal(order, epoch_order(1000, seed=0, epoch=1))
    assert not torch.equal(order, epoch_order(1000, seed=1, epoch=0))


def test_batches_keep_the_order_and_end_with_the_rest(numbered: Digits) -> None:
    found = [batch.images.flatten().tolist() for batch in batches(numbered[:5], 2)]

    assert found == [[0, 1], [2, 3], [4]]
