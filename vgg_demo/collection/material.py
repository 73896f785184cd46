"""A class's digits as a training or an evaluation takes them: of a collection, of a saved one, or of a zip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from vgg_demo.collection.contents import Contents, parse_collection
from vgg_demo.collection.files import hand_of
from vgg_demo.collection.store import read_collections
from vgg_demo.config import RunConfig
from vgg_demo.data import Digits
from vgg_demo.drawing.labelled_folder import read_zip
from vgg_demo.errors import CollectionError
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.runs.class_digits import ClassDigits, class_config, keep_class_digits, split_hands
from vgg_demo.runs.store import SHIPPED_MODEL, Run
from vgg_demo.text import N_


def digits_of(contents: Contents) -> Digits:
    """The drawings that are used, in the order they came in. Raises CollectionError when there is none."""
    if not contents.used:
        raise CollectionError(N_("nothing has been drawn for this collection yet"))
    pixels = bytearray(b"".join(drawing.image for drawing in contents.used))
    images = torch.frombuffer(pixels, dtype=torch.uint8).view(-1, 1, 28, 28)
    return Digits(images, torch.tensor([drawing.digit for drawing in contents.used]))


def class_digits_of(contents: Contents, seed: int, network: str = "") -> ClassDigits:
    """The drawings that are used, parted by hand for a training with this seed. Raises CollectionError."""
    digits, hands = digits_of(contents), torch.tensor([drawing.hand for drawing in contents.used])
    return ClassDigits(digits, hands, split_hands(hands, seed), contents.title, network)


def plan_training(text: str, start_from: str | None) -> tuple[RunConfig, Callable[[Run], None]]:
    """The settings of a training with a class's digits, and what to put into its run's folder.

    text: as of find_class_digits; start_from: as of find_checkpoint. Raises what they and class_config raise.
    """
    start = find_checkpoint(start_from)
    config = class_config(start)
    digits = find_class_digits(text, config.train.seed, start_from or SHIPPED_MODEL)
    return config, keep_class_digits(digits, start)


def find_class_digits(text: str, seed: int, network: str) -> ClassDigits:
    """The digits that text means: a collection's id or title, or a file that the page saved, .zip or .jsonl.

    Raises CollectionError or DataError.
    """
    path = Path(text).expanduser()
    if path.is_file() and path.suffix.lower() == ".zip":
        own = read_zip(path)
        hands = [hand_of(name) for name in own.names]
        if None in hands:
            raise CollectionError(
                N_(
                    "{path}: the names of its pictures do not say whose hand each is, as hand-4821-0a1b2c.png does; "
                    "give a zip that the page saved"
                ),
                path=path,
            )
        numbers = torch.tensor([hand for hand in hands if hand is not None])
        return ClassDigits(own.digits, numbers, split_hands(numbers, seed), path.stem, network)
    if path.is_file():
        return class_digits_of(parse_collection(path.read_bytes()), seed, network)
    collections = read_collections()
    for collection, contents in collections:
        if text in (collection.id, contents.title):
            return class_digits_of(contents, seed, network)
    titles = ", ".join(contents.title for _collection, contents in collections)
    if not titles:
        raise CollectionError(N_("there is no collection yet, and no file {given!r}"), given=text)
    words = N_("there is no collection {given!r}, and no such file; collections are {titles}")
    raise CollectionError(words, given=text, titles=titles)
