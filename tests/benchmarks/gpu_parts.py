"""The parts of the benchmark on a GPU: each measures some presets in this process.

Rows come one by one; what follows a row that was printed may fail.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch

from tests.benchmarks.rows import Row
from tests.benchmarks.variants import Prepare, as_compiled, as_graph, cudnn_benchmark, faster, synchronize
from vgg_demo.architecture import forward_flops
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits, load_mnist
from vgg_demo.device import make_fabric
from vgg_demo.evaluation import predict
from vgg_demo.presets import get_preset
from vgg_demo.training import EpochEvent, Training

STORY_SECONDS, BLOG_SECONDS, BEST_SECONDS = 50.0, 30.0, 120.0  # what takes longer is done in part
SEEDS = (0, 1, 2, 3, 4)
MATRIX, SMALL_MATRIX = 8192, 256
NO_GPU = "in small, not measured on a GPU"


def measure_part(part: str, is_quick: bool) -> Iterator[Row]:
    """The rows of one part. is_quick: everything in small, as it is without a GPU."""
    parts: dict[str, Callable[[Bench], Iterator[Row]]] = {
        "vgg16": measure_vgg16,
        "classroom": measure_classroom,
        "story": measure_story,
        "blog": measure_blog,
        "best": measure_best,
        "compiled": measure_compiled,
    }
    train, test = load_mnist()
    is_small = is_quick or not torch.cuda.is_available()
    yield from parts[part](Bench(train, test[:200] if is_small else test, is_small))


@dataclass(frozen=True)
class Outcome:
    """A training, whole or cut short. seconds: of each step; average_loss: over the steps taken."""

    training: Training
    seconds: list[float]
    average_loss: float

    @property
    def epoch_seconds(self) -> float:
        """What a whole epoch takes, scaled from the steps taken after the first."""
        return scaled(self.seconds, self.training.config.train.steps_per_epoch)

    @property
    def flops_per_second(self) -> float:
        """Of forward and backward pass, which is taken as three forward passes, in a middle step."""
        config = self.training.config
        return 3 * forward_flops(config.model) * config.train.batch_size / statistics.median(self.seconds)


@dataclass(frozen=True)
class Bench:
    """What the parts share: the digits, and whether everything is done in small."""

    train: Digits
    test: Digits
    is_small: bool

    def config(self, preset: str, steps: int = 6) -> RunConfig:
        """The preset; in small, a narrow network on small images for a few steps."""
        config = get_preset(preset).config
        if not self.is_small:
            return config
        size = min(32, config.model.image_size)
        return config.with_changes(steps=steps, width=min(1 / 16, config.model.width), image_size=size)

    def run(self, config: RunConfig, prepare: Prepare | None = None, limit_seconds: float = 1e9) -> Outcome:
        """Train as a run does, from the first batch to the last; looks at validation digits are not counted."""
        training = Training(config, self.train, make_fabric(config.train.device, config.train.precision))
        if prepare is not None:
            prepare(training)
        seconds, losses, events = list[float](), 0.0, training.run()
        synchronize()
        while sum(seconds) < limit_seconds:
            started = time.perf_counter()
            event = next(events, None)
            if event is None:
                break
            if isinstance(event, EpochEvent):
                continue
            synchronize()
            seconds.append(time.perf_counter() - started)
            losses += event.loss
        return Outcome(training, seconds, losses / len(seconds))

    def accuracy(self, outcome: Outcome) -> tuple[float, int]:
        """Percent of the test digits that are read right, and how many different answers there were."""
        predictions = predict(outcome.training.trained_network, self.test)
        answers = predictions.logits.argmax(1)
        return 100 * float((answers == predictions.labels).mean()), len(set(answers.tolist()))

    def row(self, what: str, unit: str, values: list[float] | float, note: str = "") -> Row:
        """A row of this part."""
        of_all = tuple(values) if isinstance(values, list) else (values,)
        small = "in small" if torch.cuda.is_available() else NO_GPU
        return Row("gpu", what, unit, of_all, "; ".join(filter(None, [note, small if self.is_small else ""])))


def measure_vgg16(bench: Bench) -> Iterator[Row]:
    """The preset vgg16-gpu: its epoch, and how near it comes to the card's rate."""
    rates = matrix_rates(bench)
    yield bench.row("matrix product, bfloat16", "TFLOP/s", [rate / 1e12 for rate in rates], "random numbers")
    config = bench.config("vgg16-gpu")
    for name, is_tuned in (("vgg16-gpu", False), ("vgg16-gpu, cudnn.benchmark", True)):
        with cudnn_benchmark(is_tuned):
            outcome = bench.run(config, limit_seconds=60)
        accuracy, _answers = bench.accuracy(outcome)
        yield bench.row(
            f"{name}: its epoch",
            "s",
            sum(outcome.seconds),
            f"{len(outcome.seconds)} steps of {config.train.batch_size}",
        )
        yield bench.row(f"{name}: test accuracy", "%", accuracy, "goal 99.5")
        mean = outcome.flops_per_second * statistics.median(outcome.seconds) / statistics.mean(outcome.seconds)
        yield share_row(bench, name, mean, rates)
        yield share_row(bench, f"{name}, a middle step", outcome.flops_per_second, rates)
    if torch.cuda.is_available():
        yield bench.row("vgg16-gpu: peak memory", "GB", torch.cuda.max_memory_allocated() / 1e9, "of the card")


def share_row(bench: Bench, name: str, flops_per_second: float, rates: list[float]) -> Row:
    """How near a training comes to the card's matrix rate."""
    share = 100 * flops_per_second / statistics.median(rates)
    return bench.row(f"{name}: share of it", "%", share, f"{flops_per_second / 1e12:.0f} TFLOP/s; goal 40")


def measure_classroom(bench: Bench) -> Iterator[Row]:
    """The preset classroom, plain and with its network as a CUDA graph, and where a plain step's time goes."""
    yield from compare_variants(bench, {"plain": None, "CUDA graphs": faster(as_graph)})
    yield from launches(bench)


def measure_compiled(bench: Bench) -> Iterator[Row]:
    """torch.compile for the networks of classroom and vgg16-gpu; compiling itself is not counted."""
    if not torch.cuda.is_available():
        yield Row("gpu", "torch.compile: classroom, vgg16-gpu", "", (), NO_GPU)
        return
    config = bench.config("vgg16-gpu")
    config = config.with_changes(steps=min(60, config.train.total_steps), validation_images=0)
    outcome = bench.run(config, faster(as_compiled))
    yield share_row(bench, "vgg16-gpu, torch.compile, a middle step", outcome.flops_per_second, matrix_rates(bench))
    yield from compare_variants(bench, {"torch.compile": faster(as_compiled)})


def compare_variants(bench: Bench, variants: dict[str, Prepare | None]) -> Iterator[Row]:
    """Seconds and accuracy of classroom, after a run that is not counted; five seeds."""
    config = bench.config("classroom")
    for name, prepare in variants.items():
        if prepare is not None and not torch.cuda.is_available():
            yield Row("gpu", f"classroom, {name}", "s", (), NO_GPU)
            continue
        bench.run(config.with_changes(seed=99), prepare)
        outcomes = [bench.run(config.with_changes(seed=seed), prepare) for seed in SEEDS[: 2 if bench.is_small else 5]]
        note = f"{len(outcomes[0].seconds)} steps, seeds {', '.join(map(str, SEEDS[: len(outcomes)]))}"
        yield bench.row(f"classroom, {name}", "s", [sum(outcome.seconds) for outcome in outcomes], f"{note}; goal 0.5")
        yield bench.row(f"classroom, {name}: accuracy", "%", [bench.accuracy(outcome)[0] for outcome in outcomes])


def launches(bench: Bench) -> Iterator[Row]:
    """How often a plain step of classroom starts work on the card, and how long the card works for it."""
    if not torch.cuda.is_available():
        return
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    config, steps = bench.config("classroom").with_changes(steps=60, validation_images=0), 40
    training = Training(config, bench.train, make_fabric(config.train.device, config.train.precision))
    events = training.run()
    for _ in islice(events, 10):
        pass
    with torch.profiler.profile(activities=activities) as record:
        for _ in islice(events, steps):
            pass
        synchronize()
    kernels = [event for event in record.events() if event.device_type.name == "CUDA" and not event.is_user_annotation]
    busy = sum(event.time_range.elapsed_us() for event in kernels) / 1e3 / steps
    yield bench.row("classroom, plain: work of the card in a step", "ms", busy, f"{len(kernels) / steps:.0f} kernels")


def measure_story(bench: Bench) -> Iterator[Row]:
    """An epoch of the preset blog, seed 0, and of the story's own loop, both end to end at the same precision."""
    from tests.benchmarks.story import story_steps

    config = bench.config("blog").with_changes(seed=0)
    bench.run(config.with_changes(steps=2))  # the first use of the card is not counted
    ours = bench.run(config, limit_seconds=STORY_SECONDS)
    epoch, note = config.train.steps_per_epoch, f"{len(ours.seconds)} of {config.train.steps_per_epoch} steps"
    yield bench.row("blog: an epoch of our loop", "s", ours.epoch_seconds, f"{note}; {precision_note()}")
    yield from blog_rows(bench, ours)
    losses, seconds, started = list[float](), list[float](), time.perf_counter()
    for loss in story_steps(config, device="cuda" if torch.cuda.is_available() else "cpu"):
        losses.append(loss)
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        if len(losses) == min(epoch, config.train.total_steps) or sum(seconds) > STORY_SECONDS:
            break
    theirs = scaled(seconds, epoch)
    note = f"{len(losses)} of {epoch} steps; its DataLoader, PIL; {precision_note()}"
    yield bench.row("story: an epoch of its loop", "s", theirs, note)
    yield bench.row("story: average loss", "nats", statistics.mean(losses))
    yield bench.row("story's epoch / ours", "ratio", theirs / ours.epoch_seconds, "goal 4")
    torch.set_float32_matmul_precision("high")
    with cudnn_benchmark(True):
        tuned = bench.run(config.with_changes(steps=min(60, config.train.total_steps)))
    step = 1000 * statistics.median(tuned.seconds)
    yield bench.row("blog: a step of our loop", "ms", 1000 * statistics.median(ours.seconds))
    yield bench.row("blog: the same with cudnn.benchmark and TF32", "ms", step, "all products may use TF32")


def measure_blog(bench: Bench) -> Iterator[Row]:
    """Where the preset blog ends with two more seeds; seed 0 is the story's part."""
    for seed in (1, 2):
        yield from blog_rows(bench, bench.run(bench.config("blog").with_changes(seed=seed), None, BLOG_SECONDS))


def blog_rows(bench: Bench, outcome: Outcome) -> Iterator[Row]:
    """Where the story's own settings end."""
    train = outcome.training.config.train
    name, note = f"blog, seed {train.seed}", f"{len(outcome.seconds)} of {train.steps_per_epoch} steps"
    accuracy, answers = bench.accuracy(outcome)
    yield bench.row(f"{name}: average loss", "nats", outcome.average_loss, note)
    yield bench.row(f"{name}: test accuracy", "%", accuracy, f"{answers} different answers")


def measure_best(bench: Bench) -> Iterator[Row]:
    """The preset best, with as many of its epochs as there is time for."""
    config = bench.config("best")
    per_step = statistics.median(bench.run(config.with_changes(steps=min(40, config.train.total_steps))).seconds)
    epochs, per_epoch = config.train.epochs, per_step * config.train.steps_per_epoch
    done = max(1, min(epochs, int(BEST_SECONDS / per_epoch)))
    outcome = bench.run(config.with_changes(epochs=done))
    note = f"{done} of {epochs} epochs; {1000 * per_step:.1f} ms a step"
    yield bench.row("best: its training", "s", sum(outcome.seconds), note)
    yield bench.row("best: test accuracy", "%", bench.accuracy(outcome)[0], note)


def scaled(seconds: list[float], steps: int) -> float:
    """Seconds of so many steps, at the mean of those taken; the first, in which a loop gets ready, does not count."""
    return statistics.mean(seconds[1:] or seconds) * steps


def matrix_rates(bench: Bench, rounds: int = 5, products: int = 10) -> list[float]:
    """FLOP/s of the product of two square bfloat16 matrices of random numbers, one figure a round."""
    size = SMALL_MATRIX if bench.is_small else MATRIX
    device = "cuda" if torch.cuda.is_available() else "cpu"
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    rates = []
    for _ in range(rounds + 1):
        synchronize()
        started = time.perf_counter()
        for _ in range(products):
            a @ b
        synchronize()
        rates.append(products * 2 * size**3 / (time.perf_counter() - started))
    return rates[1:]  # the first round also wakes the card


def precision_note() -> str:
    """How precisely 32-bit numbers are computed with: torch's defaults, for both loops."""
    matrices = torch.get_float32_matmul_precision()
    return f"32 bits; TF32 in convolutions: {torch.backends.cudnn.allow_tf32}; matrix products: {matrices}"
