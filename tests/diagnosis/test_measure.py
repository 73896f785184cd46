"""What is measured inside a network, against theory and by hand; and that measuring changes nothing."""

from __future__ import annotations

import io
import math
from itertools import islice, pairwise

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric

from tests.helpers import python_calls
from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.data import Digits
from vgg_demo.diagnosis.measure import (
    measure,
    probe_size,
    signal,
    snapshot,
    weight_layers,
    with_gradients,
    with_probe_gradients,
    with_update,
)
from vgg_demo.diagnosis.monitor import is_round, watch
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.errors import FormatError
from vgg_demo.model import VGG
from vgg_demo.presets import get_preset
from vgg_demo.training import EpochEvent, StepEvent, Training
from vgg_demo.transforms import transform_batch

SMALL = ModelConfig("vgg4", width=1 / 16, image_size=28, channels=1, batch_norm=True, classifier="linear")
RUN = RunConfig("custom", SMALL, TrainConfig(steps=12, batch_size=16, learning_rate=0.01, augment=0.5))
AVERAGED = RUN.with_changes(optimizer="adamw", average_weights=0.9, schedule="one-cycle", label_smoothing=0.1)
MINI = get_preset("blog-mini").config


def network_of(config: ModelConfig, seed: int = 0) -> VGG:
    torch.manual_seed(seed)
    return VGG(config)


def factors(diagnosis: Diagnosis) -> list[float]:
    """By how much each layer after the first changes the signal."""
    signals = [layer.signal for layer in diagnosis.layers]
    return [later / earlier for earlier, later in pairwise(signals)]


def test_signal_is_the_standard_deviation_over_images_averaged_over_units() -> None:
    outputs = torch.tensor([[1.0, 5.0], [3.0, 5.0]])  # two images, two units

    assert signal(outputs).item() == pytest.approx((math.sqrt(2) + 0) / 2)


@pytest.mark.parametrize(("size", "digits"), [(32, 64), (64, 64), (128, 16), (224, 8), (512, 8)])
def test_probe_has_fewer_digits_the_larger_they_are(size: int, digits: int) -> None:
    assert probe_size(ModelConfig(image_size=size, width=0.25)) == digits


def test_pytorch_initialisation_and_relu_shrink_the_signal_by_the_root_of_six(mnist: tuple[Digits, Digits]) -> None:
    # weights uniform with variance 1/(3 fan-in), and ReLU lets half of the variance pass: 1/6 a layer (He et al. 2015);
    # zeros around small maps take a little more (0.367 instead of 0.408)
    config = MINI.with_changes(width=1.0).model
    network = network_of(config)

    diagnosis = measure(network, mnist[0][:8])

    shrinks = factors(diagnosis)
    assert math.prod(shrinks) ** (1 / len(shrinks)) == pytest.approx(1 / math.sqrt(6), rel=0.15)
    assert diagnosis.output_signal < 1e-6


def test_he_initialisation_keeps_the_signal(mnist: tuple[Digits, Digits]) -> None:
    diagnosis = measure(network_of(MINI.with_changes(width=1.0, init="he").model), mnist[0][:8])

    shrinks = factors(diagnosis)
    assert math.prod(shrinks) ** (1 / len(shrinks)) == pytest.approx(1, abs=0.1)


@pytest.mark.slow
def test_story_network_falls_from_a_tenth_to_a_ten_millionth_and_he_stays(mnist: tuple[Digits, Digits]) -> None:
    story = get_preset("blog").config.model

    default = measure(network_of(story), mnist[0][:8])
    he = measure(network_of(get_preset("blog").config.with_changes(init="he").model), mnist[0][:8])

    assert len(default.layers) == 16
    assert default.layers[0].signal == pytest.approx(1.2e-1, rel=0.3)
    assert default.output_signal == pytest.approx(1.4e-7, rel=0.6)
    assert (default.output_signal / default.layers[0].signal) ** (1 / 15) == pytest.approx(0.41, abs=0.02)
    assert all(0.1 < layer.signal < 0.4 for layer in he.layers)
    assert he.output_signal == pytest.approx(0.17, abs=0.04)


def test_measure_agrees_with_a_forward_pass_by_hand(mnist: tuple[Digits, Digits]) -> None:
    digits, network = mnist[0][:16], network_of(SMALL)

    diagnosis = measure(network, digits, step=7)

    network.train()
    output = transform_batch(digits.images, SMALL)
    signals, silent = [], []
    with torch.no_grad():
        for module in [*network.features, torch.nn.Flatten(), *network.classifier]:
            output = module(output)
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                signals.append(output.std(0).mean().item())
            if isinstance(module, torch.nn.ReLU):
                silent.append(sum(bool((channel <= 0).all()) for channel in output.transpose(0, 1)) / output.shape[1])
    assert [layer.name for layer in diagnosis.layers] == ["conv 1", "conv 2", "conv 3", "linear 1"]
    assert [layer.signal for layer in diagnosis.layers] == pytest.approx(signals, rel=1e-4)
    assert [layer.silent for layer in diagnosis.layers[:-1]] == pytest.approx(silent)
    assert math.isnan(diagnosis.layers[-1].silent)
    assert diagnosis.step == 7
    assert diagnosis.answers == tuple(output.argmax(1).bincount(minlength=10).tolist())
    assert diagnosis.shown == tuple(digits.labels.bincount(minlength=10).tolist())
    assert diagnosis.loss == pytest.approx(F.cross_entropy(output, digits.labels).item(), rel=1e-4)


def test_measure_counts_a_unit_that_never_fires(mnist: tuple[Digits, Digits]) -> None:
    network = network_of(get_preset("fixed-mini").config.model)
    weight_layers(network)[3][1].bias.data.fill_(-100.0)

    diagnosis = measure(network, mnist[0][:32])

    assert diagnosis.layers[3].silent == 1.0
    assert diagnosis.most_silent.name == "conv 4"
    assert diagnosis.output_signal == 0.0


def test_measure_changes_nothing_and_leaves_no_hook(mnist: tuple[Digits, Digits]) -> None:
    network, inputs = network_of(SMALL).train(), transform_batch(mnist[0].images[:8], SMALL)
    F.cross_entropy(network(inputs), mnist[0].labels[:8]).backward()
    calls = python_calls(lambda: network(inputs))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    random = torch.get_rng_state()

    with_probe_gradients(measure(network, mnist[0][:32]), network, mnist[0][:32])

    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    now = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(gradients, now, strict=True))
    assert torch.equal(random, torch.get_rng_state())
    assert all(module.training for module in network.modules())
    assert all(m.track_running_stats for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert python_calls(lambda: network(inputs)) == calls


def test_gradient_and_update_are_shares_of_the_weights_size(mnist: tuple[Digits, Digits]) -> None:
    network = network_of(SMALL)
    diagnosis = measure(network, mnist[0][:8])
    before = snapshot(network)
    for _name, layer in weight_layers(network):
        layer.weight.grad = 3 * layer.weight.detach()
        layer.weight.data *= 1.5

    diagnosis = with_update(with_gradients(diagnosis, network), network, before)

    assert [layer.gradient for layer in diagnosis.layers] == pytest.approx([2.0] * 4)  # 3 w against 1.5 w
    assert [layer.update for layer in diagnosis.layers] == pytest.approx([0.5] * 4)


def test_gradients_on_the_probe_are_those_of_a_backward_pass(mnist: tuple[Digits, Digits]) -> None:
    digits, network = mnist[0][:16], network_of(SMALL)

    diagnosis = with_probe_gradients(measure(network, digits), network, digits)

    network.train()
    F.cross_entropy(network(transform_batch(digits.images, SMALL)), digits.labels).backward()
    expected = with_gradients(diagnosis, network)
    assert [x.gradient for x in diagnosis.layers] == pytest.approx([x.gradient for x in expected.layers], rel=1e-3)


def test_diagnosis_written_and_read_back_is_the_same_with_what_is_no_number(mnist: tuple[Digits, Digits]) -> None:
    diagnosis = measure(network_of(SMALL), mnist[0][:8], step=3)

    values = diagnosis.to_dict()
    again = Diagnosis.from_dict(values)

    assert values["event"] == "diagnosis"
    assert values["layers"][0]["update"] is None
    assert again.to_dict() == values
    assert math.isnan(again.layers[0].update)


@pytest.mark.parametrize("steps", [{}, {"step": 1}, {"step": "x", "layers": []}])
def test_diagnosis_damaged_raises(steps: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Diagnosis.from_dict(steps)


@pytest.mark.parametrize("config", [RUN, AVERAGED], ids=["plain", "everything"])
def test_training_watched_has_the_losses_and_weights_of_one_that_is_not(
    mnist: tuple[Digits, Digits], fabric: Fabric, config: RunConfig
) -> None:
    alone, watched = Training(config, mnist[0], fabric), Training(config, mnist[0], fabric)
    expected = [event.to_dict() | {"val_seconds": None} for event in alone.run()]

    events = list(watch(watched, share=100.0))

    diagnoses = [event for event in events if isinstance(event, Diagnosis)]
    found = [event.to_dict() | {"val_seconds": None} for event in events if not isinstance(event, Diagnosis)]
    assert found == expected
    assert [diagnosis.step for diagnosis in diagnoses] == [0, 5, 10, 11]
    for mine, theirs in (
        (watched.network, alone.network),
        (watched.trained_network, alone.trained_network),
    ):
        assert all(
            torch.equal(a, b) for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True)
        )


def test_training_watched_names_the_update_that_the_optimiser_made(
    mnist: tuple[Digits, Digits], fabric: Fabric
) -> None:
    training = Training(RUN.with_changes(steps=1), mnist[0], fabric)
    before = [layer.weight.detach().clone() for _, layer in weight_layers(training.network)]

    diagnosis, step, epoch = watch(training)

    assert isinstance(diagnosis, Diagnosis)
    assert isinstance(step, StepEvent)
    assert isinstance(epoch, EpochEvent)
    expected = [
        ((layer.weight.detach() - old).norm() / old.norm()).item()
        for (_, layer), old in zip(weight_layers(training.network), before, strict=True)
    ]
    assert [layer.update for layer in diagnosis.layers] == pytest.approx(expected, rel=1e-5)
    assert all(layer.gradient > 0 for layer in diagnosis.layers)


def test_training_watched_and_resumed_goes_on_bit_for_bit(mnist: tuple[Digits, Digits], fabric: Fabric) -> None:
    def figures(events: list[object]) -> list[dict[str, object]]:
        times = dict.fromkeys(("val_seconds", "cost_seconds", "training_seconds"))
        return [event.to_dict() | times for event in events]  # type: ignore[attr-defined]

    whole = list(watch(Training(RUN, mnist[0], fabric), share=100.0))
    first = Training(RUN, mnist[0], fabric)
    before = list(islice(watch(first, share=100.0), 8))  # what was seen, five steps, what was seen, a step
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)

    second = Training(RUN, mnist[0], fabric)
    second.load_state_dict(torch.load(file, weights_only=True))
    after = list(watch(second, share=100.0))

    assert isinstance(before[-1], StepEvent)
    assert figures([*before, *after]) == figures([*whole])


def test_watching_that_costs_too_much_is_done_less(
    mnist: tuple[Digits, Digits], fabric: Fabric, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vgg_demo.diagnosis.monitor.FREE_SECONDS", 0.0)
    training = Training(RUN, mnist[0], fabric)

    diagnoses = [event for event in watch(training, share=1e-9) if isinstance(event, Diagnosis)]

    assert [diagnosis.step for diagnosis in diagnoses] == [0]


def test_round_steps_are_five_ten_twenty_fifty() -> None:
    assert [step for step in range(1001) if is_round(step)] == [0, 5, 10, 20, 50, 100, 200, 500, 1000]
