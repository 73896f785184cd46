"""Training with a class's digits: no hand on both sides, the same losses again and again, and what came of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from tests.collection.hands import fill
from tests.helpers import TINY, RunsHere, losses, steps, stop, wait_for_step
from vgg_demo.checkpoint import load_checkpoint, save_checkpoint
from vgg_demo.collection.material import class_digits_of
from vgg_demo.collection.outcome import measure_outcome
from vgg_demo.collection.store import Collection, open_collection
from vgg_demo.data import Digits, epoch_order, mix_in, split_train
from vgg_demo.errors import CheckpointError, CollectionError, ConfigError
from vgg_demo.evaluation import predict_logits
from vgg_demo.presets import get_preset
from vgg_demo.runs import class_digits
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.runs.class_digits import class_config, keep_class_digits, read_class_digits, split_hands
from vgg_demo.runs.manager import start_run
from vgg_demo.runs.store import Run, create_run, delete_run
from vgg_demo.runs.worker import run_worker
from vgg_demo.training import StepEvent, Training


@pytest.mark.parametrize("count", [2, 3, 4, 7, 30])
def test_hands_are_split_with_none_on_both_sides_and_the_same_way_again(count: int) -> None:
    hands = torch.arange(1001, 1001 + count).repeat(20)[torch.randperm(20 * count)]

    held_out = split_hands(hands, seed=3)

    learned, measured = set(hands[~held_out].tolist()), set(hands[held_out].tolist())
    assert not learned & measured
    assert (len(measured), len(learned)) == (max(1, round(count / 3)), count - max(1, round(count / 3)))
    ordered = hands.sort().values
    assert set(ordered[split_hands(ordered, seed=3)].tolist()) == measured


def test_one_hand_alone_cannot_be_split() -> None:
    with pytest.raises(CollectionError, match="these digits are by one hand"):
        split_hands(torch.full((20,), 1001), seed=0)


def test_digits_mixed_in_take_the_places_of_others_of_their_kind_and_leave_validation_alone(
    mnist: tuple[Digits, Digits],
) -> None:
    before = mnist[0].images.sum()
    marked = Digits(torch.full((30, 1, 28, 28), 7, dtype=torch.uint8), torch.arange(30) % 10)
    marked.images[:, 0, 0, 0] = torch.arange(30)

    mixed = mix_in(mnist[0], marked, 0.2, 5_000, 1)

    train, validation = split_train(mixed, 5_000, 1)
    plain_train, plain_validation = split_train(mnist[0], 5_000, 1)
    assert torch.equal(validation.images, plain_validation.images)
    assert torch.equal(train.labels, plain_train.labels)
    own = train.images[:, 0, 5, 5] == 7
    own &= (train.images[:, 0, 1:] == 7).all(2).all(1)
    assert float(own.double().mean()) == pytest.approx(0.2, abs=0.001)
    numbers = train.images[own][:, 0, 0, 0].long()
    assert torch.equal(numbers % 10, train.labels[own])
    assert numbers.bincount(minlength=30).min() > 300  # each of the 30 has its part
    assert torch.equal(train.images[~own], plain_train.images[~own])
    assert mnist[0].images.sum() == before  # the digits that all runs share


@pytest.mark.parametrize("seed", [0, 1])
def test_digits_mixed_in_come_evenly_from_the_first_step_of_an_epoch_to_its_last(
    mnist: tuple[Digits, Digits], seed: int
) -> None:
    marked = Digits(torch.full((10, 1, 28, 28), 255, dtype=torch.uint8), torch.arange(10))
    train = split_train(mix_in(mnist[0], marked, 0.2, 5_000, seed), 5_000, seed)[0]
    is_marked = (train.images == 255).flatten(1).all(1)

    for epoch in (0, 1):
        in_order = is_marked[epoch_order(len(train), seed, epoch)]
        shares = in_order.double().view(50, -1).mean(1)  # of 1,100 images each: 0.2, with a deviation of 0.012

        assert 0.14 < float(shares.min()) <= float(shares.max()) < 0.26


@pytest.fixture
def collection(home: Path) -> Collection:
    """What four hands have drawn, one of each digit."""
    collection = open_collection("3b")
    fill(collection, hands=4)
    return collection


@pytest.fixture(scope="module")
def small(mnist: tuple[Digits, Digits], fabric: Fabric, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a small network that has learned a little."""
    training = Training(TINY.with_changes(steps=200, batch_size=32), mnist[0], fabric)
    for _event in training.run():
        pass
    path = tmp_path_factory.mktemp("small") / "model.safetensors"
    save_checkpoint(path, training.trained_network, training.config, {})
    return path


@pytest.fixture
def start(home: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A finished run with that network; class trainings are short."""
    monkeypatch.setattr(class_digits, "TRAIN", replace(class_digits.TRAIN, steps=40, batch_size=32))
    run = create_run(TINY, "first")
    shutil.copyfile(small, run.checkpoint_path)
    run.update_status(state="finished")
    return run


def train(runs_here: RunsHere, collection: Collection, start: Run) -> Run:
    """The class training, begun as the page begins it, in a thread of this process."""
    config = class_config(start.checkpoint_path)
    digits = class_digits_of(collection.contents(), config.train.seed, start.name)
    return runs_here.start(config, prepare=keep_class_digits(digits, start.checkpoint_path))


def test_class_training_goes_on_from_the_network_and_equals_the_plain_loop_on_mixed_digits(
    runs_here: RunsHere, collection: Collection, start: Run, mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    run = train(runs_here, collection, start)
    runs_here.wait(run)

    kept = read_class_digits(run)
    config = run.config()
    training = Training(config, mix_in(mnist[0], kept.learned, 0.2, 5_000, 0), fabric)
    training.network.load_state_dict(load_checkpoint(start.checkpoint_path)[0].state_dict())
    expected = [event.loss for event in training.run() if isinstance(event, StepEvent)]
    assert losses(run) == expected
    assert expected[0] < 1.5  # it has not begun with a network that knows nothing, at 2.3
    assert (kept.title, kept.network, len(kept.digits)) == ("3b", "first", 40)
    assert (kept.count_hands(held_out=True), kept.count_hands(held_out=False)) == (1, 3)


def test_class_training_is_stopped_resumed_and_repeated_when_collection_and_network_are_gone(
    runs_here: RunsHere, collection: Collection, start: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(runs_here, collection, start)
    runs_here.wait(whole)
    monkeypatch.setattr(class_digits, "TRAIN", replace(class_digits.TRAIN, steps=4_000))
    stopped = train(runs_here, collection, start)
    wait_for_step(stopped, 3)
    stop(stopped)
    taken = steps(stopped)[-1]
    collection.delete()
    delete_run(start)

    runs_here.resume(stopped)
    wait_for_step(stopped, taken + 3)
    stop(stopped)
    again = runs_here.start(whole.config(), prepare=keep_class_digits(read_class_digits(whole), whole.start_path))
    runs_here.wait(again)

    assert steps(stopped)[: taken + 3] == list(range(1, taken + 4))
    assert losses(again) == losses(whole)
    assert again.name == "class-digits-3"


def test_outcome_counts_what_each_network_reads_of_held_out_hands_and_of_mnist(
    runs_here: RunsHere, collection: Collection, start: Run, mnist: tuple[Digits, Digits]
) -> None:
    run = train(runs_here, collection, start)
    runs_here.wait(run)
    networks = [load_checkpoint(path)[0] for path in (start.checkpoint_path, run.checkpoint_path)]
    config = run.config().train

    outcome = measure_outcome(run)

    held_out = read_class_digits(run).held_out
    validation = split_train(mnist[0], config.validation_images, config.seed)[1]
    for change, digits in ((outcome.held_out, held_out), (outcome.mnist, validation)):
        answers = [predict_logits(network, digits.images).argmax(1) == digits.labels for network in networks]
        assert change.counts == tuple(int(right.sum()) for right in answers)
        assert len(change.comparison.only_second) == int((answers[1] & ~answers[0]).sum())
    assert len(held_out) == 10
    assert len(validation) == 5_000


def test_networks_that_cannot_be_gone_on_from_are_refused_in_a_sentence(
    runs_here: RunsHere, collection: Collection, start: Run
) -> None:
    story = runs_here.train(get_preset("blog-mini").config.with_changes(width=1 / 64, steps=1, batch_size=2), "story")
    run = train(runs_here, collection, start)
    runs_here.wait(run)

    with pytest.raises(ConfigError, match="has kept no validation digits apart"):
        class_config(story.checkpoint_path)
    with pytest.raises(ConfigError, match="has learned from a class's digits already"):
        class_config(run.checkpoint_path)
    assert class_config(find_checkpoint("best")).train.validation_images == 1_000


def test_class_digits_that_are_damaged_fail_the_run_with_a_reason(
    collection: Collection, start: Run, runs_here: RunsHere
) -> None:
    config = class_config(start.checkpoint_path)
    digits = class_digits_of(collection.contents(), 0)

    def prepare(run: Run) -> None:
        keep_class_digits(digits, start.checkpoint_path)(run)
        run.class_digits_path.write_bytes(run.class_digits_path.read_bytes()[:5_000])

    run = start_run(config, here=True, prepare=prepare)

    assert run_worker(run, lambda: runs_here.digits) == 1
    assert "its class_digits.safetensors cannot be read" in (run.status().reason or "")


def test_run_that_cannot_be_prepared_leaves_no_folder(home: Path, collection: Collection) -> None:
    digits = class_digits_of(collection.contents(), 0)

    with pytest.raises(CheckpointError, match="the network to start from was deleted"):
        start_run(TINY, here=True, prepare=keep_class_digits(digits, home / "nothing.safetensors"))

    assert list(home.glob("tiny*")) == []
