"""What the sections of the Draw tab show from one side each: a network, a picture, and the network's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vgg_demo.ui.shared.networks import Network
from vgg_demo.ui.shared.pictures import Pixels

if TYPE_CHECKING:
    import torch

    from vgg_demo.drawing.predict import Reading
    from vgg_demo.model import VGG


@dataclass(frozen=True)
class Inference:
    """One picture with a network's answer for each digit on it.

    pixels: uint8 (H, W, 3 or 4). rasterized: of a canvas, uint8 (H, W), its strokes with a pen that suits their size;
    the network gets this instead of the pixels. chosen: the place of the reading that the sections show.
    """

    network: Network
    pixels: Pixels
    rasterized: Pixels | None
    readings: list[Reading]
    chosen: int = 0

    @property
    def reading(self) -> Reading:
        """The one that was chosen."""
        return self.readings[self.chosen]

    @property
    def vgg(self) -> VGG:
        """The network itself."""
        return self.network.load()

    @property
    def image(self) -> torch.Tensor:
        """The digit as MNIST has it: uint8 (1, 1, 28, 28)."""
        return self.reading.prepared.tensor


def read(
    network: Network, pixels: Pixels | None, rasterized: Pixels | None = None, chosen: int = 0
) -> Inference | None:
    """Read a picture; None for an empty canvas, or when nothing on it stands out.

    Raises CheckpointError or FileNotFoundError.
    """
    if pixels is None or (pixels == pixels[0, 0]).all():
        return None
    from vgg_demo.drawing.predict import read_drawing

    readings = read_drawing(network.load(), pixels if rasterized is None else rasterized)
    return Inference(network, pixels, rasterized, readings, min(chosen, len(readings) - 1)) if readings else None
