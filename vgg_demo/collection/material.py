"""A class's digits as a training or an evaluation takes them: of a collection, of a saved one, or of a zip."""

from __future__ import annotations

import torch

from vgg_demo.collection.contents import Contents
from vgg_demo.data import Digits
from vgg_demo.errors import CollectionError
from vgg_demo.text import N_


def digits_of(contents: Contents) -> Digits:
    """The drawings that are used, in the order they came in. Raises CollectionError when there is none."""
    if not contents.used:
        raise CollectionError(N_("nothing has been drawn for this collection yet"))
    pixels = bytearray(b"".join(drawing.image for drawing in contents.used))
    images = torch.frombuffer(pixels, dtype=torch.uint8).view(-1, 1, 28, 28)
    return Digits(images, torch.tensor([drawing.digit for drawing in contents.used]))
