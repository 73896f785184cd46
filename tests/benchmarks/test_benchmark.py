"""The benchmark: its statistics, and every part with tiny settings. No test here says how fast anything is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest
import torch
from torchvision.transforms.functional import to_pil_image

from tests.benchmarks import PARTS
from tests.benchmarks.__main__ import benchmark
from tests.benchmarks.breakdown import LINEAR, REST, break_down, kind_of, profiled, training_operations
from tests.benchmarks.example import EXAMPLE_EPOCHS, ExampleNetwork, Progress, compare, train_example
from tests.benchmarks.loops import Round, Work, bare_steps, our_steps, row_of_series, speed_ratio
from tests.benchmarks.loops import compare as compare_loops
from tests.benchmarks.pipeline import AHEAD, batched_images, images_per_second, story_images
from tests.benchmarks.rows import Row, number
from tests.benchmarks.story import compare as compare_steps
from tests.benchmarks.story import story_network, story_steps
from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.data import Digits
from vgg_demo.model import VGG
from vgg_demo.presets import get_preset
from vgg_demo.terminal import run
from vgg_demo.transforms import story_transform

TINY = RunConfig("custom", ModelConfig("vgg4", 1 / 16, image_size=8, channels=1), TrainConfig(batch_size=8))
TINY_STORY = get_preset("blog").config.with_changes(width=1 / 64, image_size=32)


@pytest.fixture
def pictures(mnist: tuple[Digits, Digits]) -> list[tuple[torch.Tensor, int]]:
    """Forty digits as PyTorch's example sees them."""
    digits = mnist[0][:40]
    images = (digits.images / 255 - 0.1307) / 0.3081
    return [(image, int(label)) for image, label in zip(images, digits.labels, strict=True)]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(5, None), (6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (100, (40, 61))],  # Conover 1999, table A3
)
def test_row_interval_is_that_of_the_tables(count: int, expected: tuple[float, float] | None) -> None:
    row = Row("loops", "something", "ratio", tuple(float(value) for value in range(count, 0, -1)))

    assert row.interval == expected


def test_row_as_dict_has_median_spread_and_every_value() -> None:
    row = Row("loops", "something", "s", (3.0, 1.0, 2.0, 10.0))

    values = row.to_dict()

    assert (values["median"], values["lowest"], values["highest"], values["n"]) == (2.5, 1.0, 10.0, 4)
    assert values["values"] == (3.0, 1.0, 2.0, 10.0)


def test_row_without_values_says_why() -> None:
    row = Row("startup", "first paint", "s", (), "no browser")

    assert row.as_line().endswith("not measured: no browser")
    assert row.to_dict()["median"] is None


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (98.764, "98.76"), (0.98765, "0.988"), (123.4, "123.4")]
)
def test_number_has_about_four_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_compare_loops_gives_the_ratio_of_every_series(mnist: tuple[Digits, Digits]) -> None:
    work = Work(series=6, pairs=1, steps=1, has_control=True)

    rows = list(compare_loops("tiny", TINY, mnist[0], work))

    assert [len(row.values) for row in rows] == [6] * 5
    ours, bare, ratio = (row.values for row in rows[:3])
    assert ratio == pytest.approx([a / b for a, b in zip(ours, bare, strict=True)])


def test_row_of_series_has_one_value_a_series_and_its_interval_is_over_them() -> None:
    """Pairs of one series hang together: of two series with forty pairs each there are two values, not eighty."""
    pairs = [[(Round(8, 1.0, 1.0), Round(8, seconds, 1.0))] * 40 for seconds in (1.0, 1.2)]

    row = row_of_series("something", "ratio", pairs, speed_ratio, "")

    assert row.values == (1.0, 1.2)
    assert row.interval is None


def test_both_loops_take_the_same_images(mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vgg_demo.config.MNIST_TRAIN_IMAGES", 200)
    config = TINY.with_changes(validation_images=0, epochs=2, batch_size=90)

    ours = list(islice(our_steps(config, mnist[0][:200]), 4))

    assert ours == list(islice(bare_steps(config, mnist[0][:200]), 4)) == [90, 90, 20, 90]


def test_example_network_has_the_parameters_of_pytorchs_example() -> None:
    network = ExampleNetwork()

    assert sum(parameter.numel() for parameter in network.parameters()) == 1_199_882
    assert network(torch.zeros(2, 1, 28, 28)).exp().sum(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_train_example_until_the_time_is_up_yields_where_it_stands(pictures: list[tuple[torch.Tensor, int]]) -> None:
    progress = list(train_example(1e-9, pictures, [(torch.zeros(1, 28, 28), 10)]))  # a label that is never read

    assert [(p.epoch, p.images, p.accuracy) for p in progress] == [(1, 40, 0.0)]
    assert progress[0].seconds > 0


def test_train_example_ends_when_it_reads_enough_or_after_its_epochs(
    pictures: list[tuple[torch.Tensor, int]],
) -> None:
    sure = list(train_example(1e9, pictures, pictures[:1]))
    never = list(train_example(1e9, pictures[:2], [(torch.zeros(1, 28, 28), 10)]))

    assert sure[-1].accuracy == 1.0 or len(sure) == EXAMPLE_EPOCHS
    assert [p.accuracy for p in sure[:-1]] == [0.0] * (len(sure) - 1)
    assert [p.images for p in never] == [2 * epoch for epoch in range(1, EXAMPLE_EPOCHS + 1)]


@pytest.mark.parametrize(("accuracy", "is_bound"), [(0.9899, True), (0.99, False)])
def test_compare_says_more_than_when_the_example_did_not_reach_the_target(accuracy: float, is_bound: bool) -> None:
    epochs = [Progress(1, 80.0, 60_000, 0.983), Progress(2, 160.0, 120_000, accuracy)]

    rows = list(compare((4.0, 8.0, 5.0), True, epochs))

    assert [row.values for row in rows] == [(80.0,), (160.0,), (32.0,)]
    assert [row.is_bound for row in rows] == [False, is_bound, is_bound]
    assert ("not reached after 160 s" in rows[1].note) is is_bound


def test_pipelines_give_the_same_images_to_within_one_level(mnist: tuple[Digits, Digits]) -> None:
    model = ModelConfig("vgg16", image_size=32)
    digits = mnist[0][:32]
    transform = story_transform(32, 3)
    data_set = [(transform(to_pil_image(image)), 0) for image in digits.images]

    ours, theirs = next(batched_images(digits, model)), next(story_images(data_set))

    assert ours.shape == theirs.shape == (32, 3, 32, 32)
    assert ours.is_contiguous()  # in the same order in memory, too
    assert theirs.is_contiguous()
    # each in an order of its own: as sets of images they are the same
    distances = (ours[:, None] - theirs[None]).abs().amax(dim=(2, 3, 4))
    assert (distances.min(dim=1).values <= 2 / 255 + 1e-6).all()
    assert (distances.min(dim=0).values <= 2 / 255 + 1e-6).all()


def test_images_per_second_counts_what_comes_after_the_batches_that_waited() -> None:
    def batches() -> Iterator[torch.Tensor]:
        for _ in range(AHEAD):
            yield torch.zeros(1_000_000, 1)
        while True:
            time.sleep(0.01)
            yield torch.zeros(10, 1)

    assert 0 < images_per_second(batches(), 0.1) < 1000  # 10 in each hundredth of a second, or somewhat more


def test_story_network_at_full_size_has_the_parameters_of_the_story() -> None:
    with torch.device("meta"):
        network = story_network(1.0, 224)

    assert sum(parameter.numel() for parameter in network.parameters()) == 121_586_242


def test_story_steps_start_from_the_loss_of_ten_equal_answers() -> None:
    data_set = [(torch.zeros(3, 32, 32), label % 10) for label in range(40)]

    losses = list(islice(story_steps(TINY_STORY, data_set), 2))

    assert losses == pytest.approx([2.303, 2.303], abs=0.1)


def test_compare_steps_asks_two_processes_in_turns_and_both_end() -> None:
    before = psutil.Process().children()  # of other tests; some may be dead and not yet collected

    rows = list(compare_steps("tiny", TINY_STORY, rounds=1))

    ours, theirs, ratio = (row.values[0] for row in rows[:3])
    assert ratio == theirs / ours
    assert all(0.1 < row.values[0] < 100 for row in rows[3:])  # GB
    assert [process for process in psutil.Process().children() if process not in before] == []


def test_benchmark_only_one_part_prints_and_writes_the_same_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "figures.json"
    arguments = ["--quick", "--only", "story", "--output", str(output), "--json"]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])

    status = run(benchmark)

    document = json.loads(capsys.readouterr().out)
    assert status == 0
    assert document == json.loads(output.read_text("utf-8"))
    assert [row["part"] for row in document["rows"]] == ["story"]
    assert document["rows"][0]["values"] == []
    assert {"processor", "cores", "memory", "torch", "torchvision"} <= set(document["machine"])
    assert document["seeds"]["presets"]["blog"] == 0


def test_benchmark_output_that_cannot_be_written_exits_with_2_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--output", str(tmp_path / "no" / "figures.json")])

    assert run(benchmark) == 2

    said = capsys.readouterr()
    assert "figures.json" in said.err
    assert said.out == ""


def test_benchmark_unknown_part_exits_with_2_and_names_those_that_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "everything"])

    assert run(benchmark) == 2

    said = capsys.readouterr().err
    assert all(part in said for part in PARTS)
    assert len(said.strip().splitlines()) == 1


def test_training_operations_are_those_counted_by_hand() -> None:
    model = ModelConfig("vgg4", width=0.25, image_size=8, channels=1, batch_norm=False)
    first, *others = [layer for layer in VGG(model).features if isinstance(layer, torch.nn.Conv2d)]
    sides = iter([8, 4, 2])  # the size that each convolution of vgg4 works on
    expected = 2 * 2 * next(sides) ** 2 * 9 * first.in_channels * first.out_channels  # no gradient for the image
    expected += sum(3 * 2 * next(sides) ** 2 * 9 * conv.in_channels * conv.out_channels for conv in others)

    assert training_operations(model) == expected


def test_operations_are_told_apart() -> None:
    names = ("aten::convolution_backward", "aten::_fused_adamw_", "aten::mm", "aten::copy_", "aten::threshold_backward")

    assert [kind_of(name) for name in names] == ["convolutions", "optimiser", "transform", REST, "ReLU"]


def test_breakdown_of_a_network_with_hidden_layers_counts_their_products_as_theirs() -> None:
    shares = {row.what: row.values[0] for row in break_down("tiny", TINY_STORY, rounds=1, steps=2) if row.unit == "%"}

    assert f"tiny: {LINEAR}" in shares
    assert "tiny: transform" not in shares
    assert sum(shares.values()) == pytest.approx(100, rel=0.2)


def test_breakdown_of_steps_accounts_for_their_time() -> None:
    def steps() -> Iterator[int]:
        while True:
            torch.nn.functional.conv2d(torch.zeros(8, 8, 32, 32), torch.zeros(8, 8, 3, 3))
            yield 8

    taken, spent = profiled(steps(), 5)

    assert spent["convolutions"] > 0
    assert sum(spent.values()) == pytest.approx(taken, rel=0.2)
