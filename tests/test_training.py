"""The loop against a bare PyTorch loop, itself when resumed, and torch's own schedule."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import nn
from torchvision.transforms.functional import to_pil_image

from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.data import Digits, epoch_order, split_train
from vgg_demo.errors import RunError
from vgg_demo.presets import get_preset
from vgg_demo.recipe.schedule import LearningRateOverride
from vgg_demo.training import EpochEvent, Event, StepEvent, Training
from vgg_demo.transforms import story_transform, transform_batch

STORY = get_preset("blog-mini").config.with_changes(
    width=1 / 16, classifier_width=1 / 16, image_size=32, steps=5, seed=0
)
SMALL = ModelConfig("vgg4", width=1 / 16, image_size=28, channels=1, batch_norm=True, classifier="linear")
# 200 digits in all, 160 of them for training: 5 batches an epoch, and a third epoch of 3
SHORT = RunConfig("custom", SMALL, TrainConfig(steps=13, batch_size=32, validation_images=40, learning_rate=0.01))
EVERYTHING = SHORT.with_changes(
    optimizer="adamw",
    weight_decay=0.01,
    schedule="one-cycle",
    label_smoothing=0.1,
    average_weights=0.9,
    self_distillation=0.5,
    augment=0.5,
    dropout=0.5,
)


def losses(events: list[Event]) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepEvent)]


def figures(events: list[Event]) -> list[dict[str, Any]]:
    """The events without the time that they took."""
    return [{**event.to_dict(), "val_seconds": None} for event in events]


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


def plain_vgg16(width: float) -> nn.Sequential:
    """VGG-16 for 32x32 images in bare torch layers."""
    layers: list[nn.Module] = []
    channels = 3
    for repeats, wide in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(repeats):
            layers += [nn.Conv2d(channels, int(wide * width), 3, padding=1), nn.ReLU()]
            channels = int(wide * width)
        layers.append(nn.MaxPool2d(2))
    hidden, second = int(4096 * width), round(1000 * width)
    layers += [nn.Flatten(), nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, second), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(second, 10))


@pytest.fixture
def few(mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch) -> Digits:
    """A training set of 200 digits, so that an epoch is short."""
    monkeypatch.setattr("vgg_demo.config.MNIST_TRAIN_IMAGES", 200)
    return mnist[0][:200]


def test_training_same_seed_gives_the_same_losses_bit_for_bit(mnist: tuple[Digits, Digits], fabric: Fabric) -> None:
    first = losses(list(Training(STORY, mnist[0], fabric).run()))

    again = losses(list(Training(STORY, mnist[0], fabric).run()))

    assert len(first) == 5
    assert first == again


def test_training_other_seed_gives_other_losses(mnist: tuple[Digits, Digits], fabric: Fabric) -> None:
    first = losses(list(Training(STORY, mnist[0], fabric).run()))

    other = losses(list(Training(STORY.with_changes(seed=2), mnist[0], fabric).run()))

    assert not set(first) & set(other)


def test_training_gives_the_losses_of_a_bare_pytorch_loop(mnist: tuple[Digits, Digits], fabric: Fabric) -> None:
    train = mnist[0]
    torch.manual_seed(0)
    network = plain_vgg16(1 / 16).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    expected = []
    for indices in epoch_order(60_000, seed=0, epoch=0).split(32)[:5]:
        images = transform_batch(train.images[indices], STORY.model).contiguous(memory_format=torch.channels_last)
        loss = nn.CrossEntropyLoss()(network(images), train.labels[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected.append(loss.item())

    found = losses(list(Training(STORY, train, fabric).run()))

    assert found == expected


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_training_one_cycle_and_smoothing_give_the_losses_of_torch_itself(
    few: Digits, fabric: Fabric, name: str
) -> None:
    changes = {"schedule": "one-cycle", "label_smoothing": 0.1, "weight_decay": 0.01, "optimizer": name}
    config = SHORT.with_changes(steps=10, **changes, validation_images=0, batch_size=40)
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 3 * 3, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    optimizer: torch.optim.Optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    if name == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), momentum=0.9, nesterov=True, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=10, cycle_momentum=False)
    inputs = transform_batch(few.images, SMALL)
    expected = []
    for indices in [part for epoch in (0, 1) for part in epoch_order(200, seed=0, epoch=epoch).split(40)]:
        images = inputs[indices].contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(network(images), few.labels[indices], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
        if len(expected) < 10:  # the schedule ends with the last step
            schedule.step()

    found = losses(list(Training(config, few, fabric).run()))

    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("config", [SHORT, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("events_before", [3, 6, 8], ids=["mid-epoch", "after an epoch", "in the second epoch"])
def test_training_resumed_goes_on_bit_for_bit(
    few: Digits, fabric: Fabric, config: RunConfig, events_before: int
) -> None:
    whole = list(Training(config, few, fabric).run())
    first = Training(config, few, fabric)
    before = list(islice(first.run(), events_before))
    state = through_a_file(first.state_dict())

    second = Training(config, few, fabric)
    second.load_state_dict(state)
    after = list(second.run())

    assert len(losses(whole)) == 13
    assert figures(before + after) == figures(whole)


def test_training_state_taken_at_the_last_step_of_an_epoch_still_ends_that_epoch(few: Digits, fabric: Fabric) -> None:
    whole = list(Training(SHORT, few, fabric).run())
    first = Training(SHORT, few, fabric)
    before = list(islice(first.run(), 5))
    state = through_a_file(first.state_dict())

    second = Training(SHORT, few, fabric)
    second.load_state_dict(state)
    after = list(second.run())

    assert losses(before + after) == losses(whole)
    assert figures(before + after) == figures(whole)


def test_training_resumed_keeps_a_learning_rate_changed_by_hand(few: Digits, fabric: Fabric) -> None:
    first = Training(SHORT, few, fabric)
    first.learning_rate_override = LearningRateOverride(0.005, 0)

    second = Training(SHORT, few, fabric)
    second.load_state_dict(through_a_file(first.state_dict()))
    event = next(second.run())

    assert isinstance(event, StepEvent)
    assert event.learning_rate == pytest.approx(0.005)
    assert second.optimizer.param_groups[0]["lr"] == pytest.approx(0.005)


def test_training_state_of_an_earlier_version_goes_on_along_the_schedule(few: Digits, fabric: Fabric) -> None:
    state = Training(SHORT, few, fabric).state_dict()
    del state["learning_rate_override"]
    state["learning_rate_factor"] = 1.0

    training = Training(SHORT, few, fabric)
    training.load_state_dict(through_a_file(state))

    assert training.learning_rate_override is None


def test_training_state_of_another_network_raises_run_error(few: Digits, fabric: Fabric) -> None:
    other = replace(SHORT, model=replace(SMALL, width=1 / 8))
    state = Training(other, few, fabric).state_dict()

    with pytest.raises(RunError) as caught:
        Training(SHORT, few, fabric).load_state_dict(state)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", [{}, {"model": 1}, {"step": "many"}])
def test_training_damaged_state_raises_run_error(few: Digits, fabric: Fabric, damage: dict[str, Any]) -> None:
    training = Training(SHORT, few, fabric)
    state = {**training.state_dict(), **damage} if damage else {}

    with pytest.raises(RunError):
        training.load_state_dict(state)


def test_training_steps_beyond_an_epoch_go_on_into_the_next(few: Digits, fabric: Fabric) -> None:
    events = list(Training(SHORT, few, fabric).run())

    steps = [event for event in events if isinstance(event, StepEvent)]
    epochs = [event for event in events if isinstance(event, EpochEvent)]
    assert [event.step for event in steps] == list(range(1, 14))
    assert [event.epoch for event in steps] == [1] * 5 + [2] * 5 + [3] * 3
    assert [(event.epoch, event.step) for event in epochs] == [(1, 5), (2, 10), (3, 13)]
    assert {event.images for event in steps} == {32}


def test_training_epoch_average_is_the_mean_of_its_step_losses_also_of_a_partial_epoch(
    few: Digits, fabric: Fabric
) -> None:
    events = list(Training(SHORT, few, fabric).run())

    averages = [event.average_loss for event in events if isinstance(event, EpochEvent)]
    steps = losses(events)
    parts = [steps[:5], steps[5:10], steps[10:]]
    assert averages == pytest.approx([sum(part) / len(part) for part in parts])


def test_training_steps_decide_instead_of_epochs(few: Digits, fabric: Fabric) -> None:
    config = SHORT.with_changes(epochs=3, steps=2)

    events = list(Training(config, few, fabric).run())

    assert [type(event) for event in events] == [StepEvent, StepEvent, EpochEvent]


def test_training_last_batch_holds_the_rest_of_the_images(few: Digits, fabric: Fabric) -> None:
    config = SHORT.with_changes(epochs=1, steps=4, batch_size=50)

    events = list(Training(config, few, fabric).run())

    assert [event.images for event in events if isinstance(event, StepEvent)] == [50, 50, 50, 10]


def test_training_validation_figures_equal_those_counted_by_hand(few: Digits, fabric: Fabric) -> None:
    training = Training(SHORT.with_changes(steps=5), few, fabric)
    _, validation = split_train(few, 40, seed=0)

    event = list(training.run())[-1]

    story = story_transform(28, 1)
    training.network.eval()
    with torch.no_grad():
        logits = training.network(torch.stack([story(to_pil_image(image)) for image in validation.images]))
    hits = sum(int(answer) == int(label) for answer, label in zip(logits.argmax(1), validation.labels, strict=True))
    assert isinstance(event, EpochEvent)
    assert event.val_accuracy == hits / 40
    assert event.val_loss == pytest.approx(F.cross_entropy(logits, validation.labels).item(), rel=1e-4)


def test_training_without_validation_images_gives_no_validation_figures(few: Digits, fabric: Fabric) -> None:
    config = SHORT.with_changes(steps=1, validation_images=0)

    event = list(Training(config, few, fabric).run())[-1]

    assert isinstance(event, EpochEvent)
    assert (event.val_loss, event.val_accuracy) == (None, None)
