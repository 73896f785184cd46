"""Our training loop, with everything that the page needs of it, beside the same network in a bare loop.

Short rounds in turns, the order changing from pair to pair, and one ratio a pair: what else the machine does hits both.
Each series builds both networks anew, because where they lie in memory makes some of the difference; the control, two
bare loops side by side, shows how much is noise.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from tests.benchmarks.rows import Effort, Row
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits, epoch_order, load_train, split_train
from vgg_demo.device import make_fabric, precision_here
from vgg_demo.model import VGG
from vgg_demo.presets import get_preset
from vgg_demo.recipe.schedule import learning_rate_at
from vgg_demo.training import StepEvent, Training, make_optimizer
from vgg_demo.transforms import transform_batch

Loop = Callable[[RunConfig, Digits], Iterator[int]]


@dataclass(frozen=True)
class Work:
    """How much to measure of a preset: series of pairs of rounds of steps."""

    series: int
    pairs: int
    steps: int
    has_control: bool


# of six series the spread is an interval, see Row.interval; blog's steps take too long for more than one
WORK = {"classroom": Work(6, 40, 5, True), "blog-mini": Work(6, 14, 3, True), "blog": Work(1, 2, 1, False)}
QUICK = {"classroom": Work(6, 7, 5, True), "blog-mini": Work(6, 4, 3, False)}


@dataclass(frozen=True)
class Round:
    """What some steps took: time on the wall, and of the processor in all threads of this process."""

    images: int
    seconds: float
    processor_seconds: float


Pair = tuple[Round, Round]


def measure(effort: Effort) -> Iterator[Row]:
    """Images per second of both loops, and how they compare."""
    digits = load_train()
    work = QUICK if effort.quick else WORK
    for preset, amount in work.items():
        yield from compare(preset, get_preset(preset).config, digits, amount)
    if "blog" not in work:
        yield Row("loops", "blog: our loop / bare loop", "ratio", (), "left out with --quick")


def compare(name: str, config: RunConfig, digits: Digits, work: Work) -> Iterator[Row]:
    """The rows of one preset."""
    config = config.with_changes(epochs=1000, validation_images=0)  # a look at validation digits is no step
    series = [run_series(our_steps, bare_steps, config, digits, work) for _ in range(work.series)]
    how = f"medians of {work.series} series of {work.pairs} pairs of {work.steps} steps"
    yield row_of_series(f"{name}: our loop", "images/s", series, lambda ours, _bare: ours.images / ours.seconds, how)
    yield row_of_series(f"{name}: bare loop", "images/s", series, lambda _ours, bare: bare.images / bare.seconds, how)
    yield row_of_series(f"{name}: our loop / bare loop, speed", "ratio", series, speed_ratio, how)
    yield row_of_series(f"{name}: the same by processor time", "ratio", series, processor_ratio, how)
    if work.has_control:
        control = [run_series(bare_steps, bare_steps, config, digits, work) for _ in range(work.series)]
        yield row_of_series(f"{name}: bare loop / bare loop (control)", "ratio", control, speed_ratio, how)


def row_of_series(
    what: str, unit: str, series: list[list[Pair]], figure: Callable[[Round, Round], float], note: str
) -> Row:
    """A figure of each pair, and of each series the median.

    The pairs of a series have their networks in the same places of memory, so they are no independent values: the
    series are, and the row's interval is over them.
    """
    medians = tuple(statistics.median(figure(*pair) for pair in pairs) for pairs in series)
    return Row("loops", what, unit, medians, note)


def run_series(first: Loop, second: Loop, config: RunConfig, digits: Digits, work: Work) -> list[Pair]:
    """Pairs of rounds of two loops that were built for it."""
    loops = first(config, digits), second(config, digits)
    for loop in loops:
        next(loop)  # the first step also reserves memory
    pairs = []
    for number in range(work.pairs):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        rounds = {index: run_round(loops[index], work.steps) for index in order}
        pairs.append((rounds[0], rounds[1]))
    return pairs


def run_round(loop: Iterator[int], steps: int) -> Round:
    """Some steps of a loop."""
    started, processor_started = time.perf_counter(), time.process_time()
    images = sum(next(loop) for _ in range(steps))
    return Round(images, time.perf_counter() - started, time.process_time() - processor_started)


def speed_ratio(first: Round, second: Round) -> float:
    """The first's images per second by the second's."""
    return (first.images / first.seconds) / (second.images / second.seconds)


def processor_ratio(first: Round, second: Round) -> float:
    """The same by what each took of the processor."""
    return second.processor_seconds / first.processor_seconds


def our_steps(config: RunConfig, digits: Digits) -> Iterator[int]:
    """Train as a run does; yields the images of each step."""
    for event in Training(config, digits, make_fabric("cpu", config.train.precision)).run():
        if isinstance(event, StepEvent):
            yield event.images


def bare_steps(config: RunConfig, digits: Digits) -> Iterator[int]:
    """The same network, data and optimiser, and nothing else; yields the images of each step."""
    train, _validation = split_train(digits, config.train.validation_images, config.train.seed)
    torch.manual_seed(config.train.seed)
    network = VGG(config.model).to(memory_format=torch.channels_last).train()
    optimizer = make_optimizer(network, config.train)
    precision = precision_here("cpu", config.train.precision)
    in_bfloat16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")
    step = 0
    while True:
        order = epoch_order(len(train), config.train.seed, step // config.train.steps_per_epoch)
        for indices in torch.split(order, config.train.batch_size):
            images = transform_batch(train.images[indices], config.model)
            labels = train.labels[indices]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step, config.train)
            optimizer.zero_grad()
            with in_bfloat16:
                logits = network(images)
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=config.train.label_smoothing)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
            step += 1
            yield len(labels)
