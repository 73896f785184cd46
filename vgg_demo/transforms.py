"""The MNIST transform: the only place where an image becomes what the network sees.

Twice, and proven equal by a test: once as the story wrote it, image by image with PIL, and once for whole batches
on the device, which is what training, evaluation and drawing use.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from vgg_demo.config import ModelConfig

if TYPE_CHECKING:
    from torchvision.transforms import Compose

MEAN = 0.5
STD = 0.5


def story_transform(image_size: int, channels: int) -> Compose:
    """The story's transform: a PIL image of any size to a float32 tensor (channels, S, S) in [-1, 1]."""
    from torchvision import transforms  # the batched form does without it

    return transforms.Compose(
        [
            transforms.Resize((image_size, image_size)),
            transforms.Grayscale(num_output_channels=channels),
            transforms.ToTensor(),
            transforms.Normalize((MEAN,) * channels, (STD,) * channels),
        ]
    )


def transform_batch(images: torch.Tensor, config: ModelConfig) -> torch.Tensor:
    """The same for a whole batch, on the device where it lies.

    images: uint8 (N, 1, H, W), ink light on dark. Returns float32 (N, channels, S, S) in [-1, 1], S = image_size.
    Agrees with story_transform to within one 8-bit level (2 / 255).
    """
    return transform_pixels(images, config.image_size, config.channels)


def transform_pixels(images: torch.Tensor, image_size: int, channels: int) -> torch.Tensor:
    """uint8 (N, 1, H, W) to float32 (N, channels, image_size, image_size) in [-1, 1]."""
    pixels = images.float()  # (N, 1, H, W) in [0, 255]
    height, width = images.shape[-2:]
    if (height, width) != (image_size, image_size):
        rows, columns = (resize_matrix(length, image_size, images.device) for length in (height, width))
        pixels = (rows @ pixels @ columns.T).round_()  # in [0, 255] still; PIL, too, resizes in 8 bits
    pixels = pixels.mul_(1 / (255 * STD)).sub_(MEAN / STD)  # (N, 1, S, S) in [-1, 1]
    return pixels.expand(-1, channels, -1, -1).contiguous()  # grey three times over is RGB


@lru_cache(maxsize=64)
def resize_matrix(length: int, new_length: int, device: torch.device) -> torch.Tensor:
    """The weights, float32 (new_length, length), with which a line of pixels is resized, smoothed where it shrinks.

    F.interpolate is linear and treats rows and columns apart, so what it does to the unit vectors says it all; two
    products with matrices take half of its time.
    """
    with torch.inference_mode(False):
        unit = torch.eye(length, device=device)[None, None]
        return F.interpolate(unit, (new_length, length), mode="bilinear", antialias=True)[0, 0]
