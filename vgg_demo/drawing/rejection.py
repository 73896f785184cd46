"""Whether a drawing looks like a digit at all. A network cannot say: it was only ever asked which digit.

The directions of a drawing's edges are compared with those of MNIST's training digits, and of others that were drawn in
forms which MNIST hardly has: for each class their mean and the 40 directions in which they differ most, a Gaussian, and
the distance to the nearest class (Kimura et al. 1987, the modified quadratic discriminant). It does not depend on the
network, so it holds for any checkpoint. What has more strokes beside one another than any digit, such as a spiral, is
none either.

The shipped networks' own signs were measured first, refusing 1 % of real digits: by the largest probability 90 % of
drawings that are no digits were taken for one, by the energy of the logits (Liu et al. 2020) 67 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vgg_demo.drawing.grey import Pixels

Floats = npt.NDArray[np.float32]
FILE = Path(__file__).parent.parent / "assets" / "likeness.npz"
DIRECTIONS = 8
# of weights 8, 12, 16, 24 and 32 the larger refuse more that is no digit, and more digits when the network is unsure
LOGIT_WEIGHT, ENOUGH_LOGIT = 24, 6  # the largest logit of a sure answer is 4 to 5 with the shipped network
MOST_CROSSINGS = 4  # 1 of MNIST's 10,000 test digits has more


@dataclass(frozen=True)
class Likeness:
    """What digits look like. mean: (10, F). components: (10, K, F), orthonormal. variance: (10, K). rest: the variance
    in every other direction. limit: the score above which a drawing is no digit: of MNIST's last 4,000 training
    digits, which were not measured for the rest, 0.7 % score more.
    """

    mean: Floats
    components: Floats
    variance: Floats
    rest: float
    limit: float

    def distances(self, digits: Pixels) -> Floats:
        """How far each digit, uint8 (N, 28, 28), lies from the nearest class: (N,)."""
        away = edge_directions(digits)[:, None] - self.mean  # (N, 10, F)
        along = np.einsum("ncf,ckf->nck", away, self.components)  # (N, 10, K)
        left = (away**2).sum(2) - (along**2).sum(2)  # (N, 10), what the components do not explain
        distances = (along**2 / (self.variance + self.rest)).sum(2) + left / self.rest
        return np.asarray(distances.min(1), np.float32)

    def scores(self, digits: Pixels, logits: Floats) -> Floats:
        """How little each of uint8 (N, 28, 28) looks like a digit, (N,): the distance, less what the network knows.

        logits: (N, 10), of any network. One that is unsure of everything shifts the score by no more than 144.
        """
        return np.asarray(self.distances(digits) - LOGIT_WEIGHT * logits.max(1).clip(0, ENOUGH_LOGIT), np.float32)

    def is_digit(self, digits: Pixels, logits: Floats) -> npt.NDArray[np.bool_]:
        """Whether each of uint8 (N, 28, 28), with its logits (N, 10), looks like a digit: (N,)."""
        return np.asarray((self.scores(digits, logits) <= self.limit) & (crossings(digits) <= MOST_CROSSINGS))


@cache
def load_likeness() -> Likeness:
    """What `python -m tests.studies.rejection fit` measured."""
    with np.load(FILE) as file:
        mean, components, variance = (file[name].astype(np.float32) for name in ("mean", "components", "variance"))
        return Likeness(mean, components, variance, float(file["rest"]), float(file["limit"]))


def edge_directions(digits: Pixels) -> Floats:
    """How strong edges of 8 directions are in each of 7x7 places: uint8 (N, 28, 28) to (N, 392).

    Source: Dalal and Triggs 2005, histograms of oriented gradients; square roots as in Kimura et al.
    """
    images = ndimage.gaussian_filter(digits.astype(np.float32), (0, 0.7, 0.7)) * np.float32(1 / 256)
    down, right = np.gradient(images, axis=(1, 2))
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) / (2 * np.pi) * DIRECTIONS) % DIRECTIONS
    maps = []
    for centre in range(DIRECTIONS):
        apart = np.abs(direction - centre)
        share = np.maximum(0, 1 - np.minimum(apart, DIRECTIONS - apart)) * strength
        maps.append(ndimage.gaussian_filter(share, (0, 1.8, 1.8))[:, 2::4, 2::4].reshape(len(digits), -1))
    return np.asarray(np.sqrt(np.concatenate(maps, 1).clip(0)), np.float32)


def crossings(digits: Pixels) -> npt.NDArray[np.int64]:
    """How many strokes the second most crossed row or column of pixels crosses: uint8 (N, 28, 28) to (N,).

    The second, since one row may graze a wavy stroke.
    """
    ink = np.pad(digits >= 128, ((0, 0), (1, 0), (1, 0)))
    entered_from_left = (ink[:, 1:, 1:] & ~ink[:, 1:, :-1]).sum(2)  # (N, 28), of each row
    entered_from_above = (ink[:, 1:, 1:] & ~ink[:, :-1, 1:]).sum(1)  # (N, 28), of each column
    seconds = [np.sort(counts, 1)[:, -2] for counts in (entered_from_left, entered_from_above)]
    return np.asarray(np.maximum(*seconds))
