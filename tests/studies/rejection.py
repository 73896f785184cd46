"""How often what is no digit is taken for one, and real digits are refused.

python -m tests.studies.rejection fit [CHECKPOINT]   measures what digits look like, and where the limit lies
python -m tests.studies.rejection [CHECKPOINT]       counts, over MNIST's test digits and 2,100 drawings from code
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from tests.studies.scribbles import make_scribbles
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import load_test, load_train
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.drawing.predict import read_drawing
from vgg_demo.drawing.rejection import FILE, Likeness, edge_directions, load_likeness
from vgg_demo.evaluation import predict_logits
from vgg_demo.model import VGG
from vgg_demo.recipe.augmentation import centre_by_mass
from vgg_demo.recipe.pen_strokes import draw_digits
from vgg_demo.runs.checkpoints import find_checkpoint

MEASURED = 50_000  # of the training digits
PEN_DRAWN = 10_000  # digits from code in forms that MNIST hardly has
LIMITING = 4_000  # of the others, brought through the drawing path: the limit comes from them
REFUSED = 0.007
COMPONENTS = 40
REST = 8  # times the variance in the other directions: of 1, 3 and 8 it refused the most that is no digit
SCRIBBLES = 2_100


def fit_and_save(network: VGG) -> None:
    """Measure what digits look like, and where the limit lies, and write both into the package."""
    train = load_train()
    images, labels = train.images[:, 0].numpy(), train.labels.numpy()
    drawn, drawn_labels = _pen_drawn(PEN_DRAWN)
    likeness = measure_likeness(
        np.concatenate([images[:MEASURED], drawn]), np.concatenate([labels[:MEASURED], drawn_labels])
    )
    others = _prepared(images[-LIMITING:])
    scores = likeness.scores(others, _logits(network, others))
    likeness = replace(likeness, limit=float(np.quantile(scores, 1 - REFUSED)))
    np.savez_compressed(
        FILE, mean=likeness.mean.astype(np.float16), components=likeness.components.astype(np.float16),
        variance=likeness.variance, rest=likeness.rest, limit=likeness.limit,
    )  # fmt: skip


def measure_likeness(digits: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> Likeness:
    """Measure what digits look like: uint8 (N, 28, 28) and labels (N,). The limit is found afterwards."""
    mean, components, variance, rest = [], [], [], []
    for label in range(10):
        features = edge_directions(digits[labels == label])
        centre = features.mean(0)
        values, vectors = np.linalg.eigh(np.cov((features - centre).T))  # ascending
        mean.append(centre)
        components.append(vectors[:, -COMPONENTS:].T)
        variance.append(values[-COMPONENTS:])
        rest.append(values[:-COMPONENTS].mean())
    return Likeness(
        np.stack(mean), np.stack(components).astype(np.float32), np.stack(variance).astype(np.float32),
        REST * float(np.mean(rest)), np.inf,
    )  # fmt: skip


def refused_digits(network: VGG, count: int = 10_000) -> float:
    """The share of MNIST's test digits that are refused."""
    digits = _prepared(load_test().images[:count, 0].numpy())
    return 1 - float(load_likeness().is_digit(digits, _logits(network, digits)).mean())


def accepted_scribbles(network: VGG, count: int = SCRIBBLES, seed: int = 0) -> dict[str, float]:
    """The share of drawings that are taken for one digit or several, by kind, and of all."""
    shown, accepted = Counter[str](), Counter[str]()
    for kind, pixels in make_scribbles(count, seed):
        readings = read_drawing(network, pixels)
        taken = bool(readings) and all(reading.can_tell for reading in readings)
        for name in (kind, "all"):
            shown[name] += 1
            accepted[name] += taken
    return {kind: accepted[kind] / shown[kind] for kind in shown}


def _pen_drawn(count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """As many of each digit: uint8 (count, 28, 28), and their labels."""
    labels, generator = torch.arange(count) % 10, torch.Generator().manual_seed(0)
    drawn = torch.cat([centre_by_mass(draw_digits(some, generator)) for some in torch.split(labels, 500)])
    return drawn[:, 0].round().to(torch.uint8).numpy(), labels.numpy()


def _prepared(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.stack([prepare_digit(image).digit for image in images])


def _logits(network: VGG, digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    batches = torch.split(torch.from_numpy(digits)[:, None], 500)
    return np.asarray(torch.cat([predict_logits(network, batch) for batch in batches]).numpy())


def main(arguments: list[str]) -> int:
    """Measure and write, or count."""
    names = [name for name in arguments if name != "fit"]
    network, _ = load_checkpoint(find_checkpoint(names[0] if names else None))
    if "fit" in arguments:
        fit_and_save(network)
        load_likeness.cache_clear()
    print(f"MNIST test digits refused {refused_digits(network):.2%}")
    for kind, share in accepted_scribbles(network).items():
        print(f"{kind:<8} accepted {share:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
