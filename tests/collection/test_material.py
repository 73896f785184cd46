"""A class's digits for a training: found by title, or in a file that the page saved; also by the command line."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.collection.hands import drawing, fill
from tests.helpers import TINY
from tests.test_cli import vgg_demo
from vgg_demo.checkpoint import save_checkpoint
from vgg_demo.collection.files import to_zip
from vgg_demo.collection.material import find_class_digits
from vgg_demo.collection.outcome import measure_outcome
from vgg_demo.collection.store import Collection, open_collection
from vgg_demo.errors import CollectionError
from vgg_demo.model import VGG
from vgg_demo.runs import class_digits
from vgg_demo.runs.store import create_run, get_run


@pytest.fixture
def collection(home: Path) -> Collection:
    """What three hands have drawn; one drawing is left out."""
    collection = open_collection("3b")
    fill(collection, hands=3)
    out = drawing(4, 1001)
    collection.add(out)
    collection.leave_out([out.id])
    return collection


def test_class_digits_are_the_same_from_collection_and_files(collection: Collection, tmp_path: Path) -> None:
    pictures, saved = tmp_path / "class.zip", tmp_path / "class.jsonl"
    pictures.write_bytes(to_zip(collection.contents()))
    saved.write_text("".join(f"{line}\n" for line in collection.contents().to_lines()), "utf-8")

    found = [find_class_digits(str(text), 0, "best") for text in ("3b", collection.id, pictures, saved)]

    assert [len(each.digits) for each in found] == [30] * 4
    for other in found[1:]:
        assert torch.equal(other.hands, found[0].hands)
        assert torch.equal(other.is_held_out, found[0].is_held_out)
        assert torch.equal(other.digits.images, found[0].digits.images)
        assert torch.equal(other.digits.labels, found[0].digits.labels)


def test_class_digits_that_cannot_be_used_are_refused_in_a_sentence(collection: Collection, tmp_path: Path) -> None:
    nameless = tmp_path / "photos.zip"
    with zipfile.ZipFile(nameless, "w") as archive:
        archive.writestr("4/photo.png", zip_picture(collection))

    for text, words in (("3c", "there is no collection '3c', and no such file; collections are 3b"),
                        (str(nameless), "do not say whose hand each is")):  # fmt: skip
        with pytest.raises(CollectionError, match=words):
            find_class_digits(text, 0, "best")


def zip_picture(collection: Collection) -> bytes:
    """One of the collection's pictures."""
    with zipfile.ZipFile(io.BytesIO(to_zip(collection.contents()))) as archive:
        return archive.read(archive.namelist()[0])


@pytest.mark.usefixtures("quick_workers")
def test_command_line_trains_with_a_collection_and_says_what_came_of_it(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_digits, "TRAIN", replace(class_digits.TRAIN, steps=20, batch_size=32))
    first = create_run(TINY, "first")
    save_checkpoint(first.checkpoint_path, VGG(TINY.model), TINY, {})
    first.update_status(state="finished")

    done = vgg_demo("train", "--class-digits", "3b", "--start-from", "first", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["run"], document["steps"]) == ("class-digits-1", 20)
    outcome = measure_outcome(get_run("class-digits-1"))
    held_out = document["class_digits"]["held-out hands"]
    assert (held_out["before"], held_out["after"]) == outcome.held_out.counts
    assert (held_out["n"], document["class_digits"]["MNIST's validation digits"]["n"]) == (10, 5_000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--class-digits", "3c"], "there is no collection"),
        (["--class-digits", "3b", "--start-from", "nobody"], "there is no checkpoint"),
        (["--class-digits", "3b", "--lr", "0.1"], "--class-digits goes on from a network as it is"),
        (["--start-from", "best"], "--start-from: say with whose digits"),
        (["--resume", "--run", "x", "--class-digits", "3b"], "--resume goes on with the run's own settings"),
    ],
)
def test_command_line_refuses_what_does_not_go_together(home: Path, arguments: list[str], words: str) -> None:
    done = vgg_demo("train", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not list(home.glob("*/config.json"))
