"""Which settings suit a training with a class's digits: learning rate, steps, and the class's share of the images.

python -m tests.studies.class_training NETWORK HANDS FILE [DRAWINGS] appends a line a training to FILE. NETWORK: a
checkpoint, as evaluate takes it; HANDS: how many the network learns from, twenty digits each. Measured on 60 other
hands, on the validation digits, and on drawings that no training has seen: images (N, 28, 28) and labels in an .npz.
python -m tests.studies.class_training FILE prints what lies there, the mean where there are several.

Hands are made from code. Each has a slant, a width and forms of its own that stay, and trembles a little.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tests.collection.hands import DIGITS
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.collection.drawing import make_drawing
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits, load_train, mix_in, split_train
from vgg_demo.device import make_fabric
from vgg_demo.evaluation import accuracy_and_loss
from vgg_demo.model import VGG
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.runs.class_digits import SHARE, class_config
from vgg_demo.training import Training

MEASURED_HANDS = 60
EACH = 2  # drawings of a digit by a hand
BASE = {"learning_rate": 0.001, "steps": 200, "share": SHARE}
TRIED: list[dict[str, float]] = [
    BASE,
    *({**BASE, "learning_rate": value} for value in (0.0003, 0.003)),
    *({**BASE, "share": value} for value in (0.1, 0.4)),
    *({**BASE, "steps": value} for value in (100, 400)),
    {**BASE, "learning_rate": 0.003, "share": 0.4},
]

Points = npt.NDArray[np.float64]


def forms(rng: np.random.Generator) -> dict[int, list[Points]]:
    """How a hand writes the ten digits: the corners of each stroke, (N, 2), in pixels from the canvas's middle."""
    slant, width = rng.uniform(-0.5, 0.5), rng.uniform(0.55, 1.2)
    strokes: dict[int, list[list[tuple[int, int]]]] = {digit: list(paths) for digit, paths in DIGITS.items()}
    if rng.random() < 0.5:
        strokes[7] = [*strokes[7], [(115, 150), (190, 145)]]
    if rng.random() < 0.5:
        strokes[1] = [[(85, 110), (140, 50), (140, 230)]]
        if rng.random() < 0.5:
            strokes[1] = [*strokes[1], [(90, 230), (190, 230)]]
    lean = np.array([[width, 0.0], [-slant, 1.0]])
    return {
        digit: [(np.array(path) - 140 + rng.normal(0, 13, (len(path), 2))) @ lean for path in paths]
        for digit, paths in strokes.items()
    }


def write(form: list[Points], rng: np.random.Generator) -> dict[str, Any]:
    """What a canvas has on it when the hand has drawn the digit once."""
    size, middle = rng.uniform(0.5, 0.95), 140 + rng.uniform(-15, 15, 2)
    paths = [_rounded((path + rng.normal(0, 5, path.shape)) * size + middle) for path in form]
    objects = [
        {"path": [["M", *path[0]], *(["L", *point] for point in path[1:])]} for path in map(np.ndarray.tolist, paths)
    ]
    return {"objects": objects}


def _rounded(path: Points) -> Points:
    """The path with its corners cut twice (Chaikin 1974)."""
    for _time in range(2):
        near, far = 0.75 * path[:-1] + 0.25 * path[1:], 0.25 * path[:-1] + 0.75 * path[1:]
        between = np.stack([near, far], 1).reshape(-1, 2)
        path = np.concatenate([path[:1], between[1:-1], path[-1:]])
    return path


def digits_of_hands(hands: int, seed: int) -> Digits:
    """The digits of so many hands, as a collection keeps them; the same for the same seed."""
    images, labels = [], []
    for hand in np.random.default_rng(seed).spawn(hands):
        for digit, form in forms(hand).items():
            for _time in range(EACH):
                images.append(make_drawing("0", digit, 1, 0.0, write(form, hand)).image)
                labels.append(digit)
    pixels = torch.frombuffer(bytearray(b"".join(images)), dtype=torch.uint8)
    return Digits(pixels.view(-1, 1, 28, 28), torch.tensor(labels))


def study(start: str, hands: int, file: Path, drawings: Path | None) -> None:
    """Train with each of the settings, and append what came of it."""
    path = find_checkpoint(start)
    network, _header = load_checkpoint(path)
    base = class_config(path)
    mnist = load_train()
    measured = {
        "new hands": digits_of_hands(MEASURED_HANDS, seed=1),
        "validation": split_train(mnist, base.train.validation_images, base.train.seed)[1],
    }
    if drawings:
        with np.load(drawings) as arrays:
            measured["drawings"] = Digits(
                torch.from_numpy(arrays["images"])[:, None], torch.from_numpy(arrays["labels"].astype(np.int64))
            )
    learned = digits_of_hands(hands, seed=2)
    _append(file, {"start": start, "hands": hands, "settings": "before", **_measure(network, measured)})
    for settings in TRIED:
        trained = _train(network, base, mnist, learned, settings)
        _append(file, {"start": start, "hands": hands, "settings": settings, **_measure(trained, measured)})


def _train(network: VGG, base: RunConfig, mnist: Digits, learned: Digits, settings: dict[str, float]) -> VGG:
    config = base.with_changes(learning_rate=settings["learning_rate"], steps=int(settings["steps"]))
    train = config.train
    mixed = mix_in(mnist, learned, settings["share"], train.validation_images, train.seed)
    training = Training(config, mixed, make_fabric("cpu"))
    training.network.load_state_dict(network.state_dict())
    for _event in training.run():
        pass
    return training.trained_network


def _measure(network: VGG, digits: dict[str, Digits]) -> dict[str, float]:
    return {name: accuracy_and_loss(network, group)[0] for name, group in digits.items()}


def _append(file: Path, line: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


def print_means(file: Path) -> None:
    """One line for each network, number of hands and settings."""
    found: dict[tuple[str, ...], list[list[float]]] = defaultdict(list)
    for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        values = [line.get(name, float("nan")) for name in ("new hands", "validation", "drawings")]
        found[str(line["start"]), str(line["hands"]), json.dumps(line["settings"])].append(values)
    for what, rows in found.items():
        print(*what, *(f"{value:.2%}" for value in np.mean(rows, 0)), f"({len(rows)})")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print_means(Path(sys.argv[1]))
    else:
        study(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
