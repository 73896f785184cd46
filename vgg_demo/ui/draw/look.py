"""What the parts of the Draw tab look at together: a network, a picture, and one reading of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vgg_demo.ui.shared import resources

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from vgg_demo.drawing.predict import Reading
    from vgg_demo.model import VGG


@dataclass(frozen=True)
class Look:
    """One picture with what a network reads in it.

    pixels: uint8 (H, W, 3 or 4). drawn_again: of a canvas, uint8 (H, W), its strokes with a pen that suits their size,
    and this is what was read. chosen: the reading to look into.
    """

    name: str
    path: Path
    pixels: npt.NDArray[np.uint8]
    readings: list[Reading]
    chosen: int = 0
    drawn_again: npt.NDArray[np.uint8] | None = None

    @property
    def inked(self) -> npt.NDArray[np.uint8]:
        """The pixels that were read."""
        return self.pixels if self.drawn_again is None else self.drawn_again

    @property
    def reading(self) -> Reading:
        """The one that was chosen."""
        return self.readings[self.chosen]

    @property
    def network(self) -> VGG:
        """The network that read it."""
        return load(self.path)

    @property
    def image(self) -> torch.Tensor:
        """The digit as MNIST has it: uint8 (1, 1, 28, 28)."""
        return self.reading.prepared.tensor

    @property
    def key(self) -> tuple[str, str, bytes]:
        """Names the network's file and the digit, for what is remembered."""
        return str(self.path), resources.fingerprint(self.path), self.reading.prepared.digit.tobytes()


def load(path: Path) -> VGG:
    """The network of a checkpoint. Raises CheckpointError or FileNotFoundError."""
    return resources.load_network(str(path), resources.fingerprint(path))[0]


def read(
    name: str, path: Path, pixels: npt.NDArray[np.uint8] | None, drawn_again: npt.NDArray[np.uint8] | None = None
) -> Look | None:
    """Read a picture, or what was drawn again of it; None for an empty canvas, or when nothing on it stands out.

    Raises CheckpointError or FileNotFoundError.
    """
    if pixels is None or (pixels == pixels[0, 0]).all():
        return None
    from vgg_demo.drawing.predict import read_drawing

    readings = read_drawing(load(path), pixels if drawn_again is None else drawn_again)
    return Look(name, path, pixels, readings, drawn_again=drawn_again) if readings else None
