"""Digits as hands would draw them: paths of a canvas, a little different each time."""

from __future__ import annotations

import random
import secrets
from typing import Any

from vgg_demo.collection.drawing import Drawing, make_drawing
from vgg_demo.collection.store import Collection, read_collections

# strokes in pixels of a canvas of 280x280
DIGITS: dict[int, list[list[tuple[int, int]]]] = {
    0: [[(140, 50), (90, 90), (80, 150), (100, 215), (145, 235), (190, 200), (200, 130), (180, 75), (140, 50)]],
    1: [[(140, 50), (140, 230)]],
    2: [[(90, 100), (110, 60), (160, 55), (185, 90), (170, 130), (90, 225), (200, 225)]],
    3: [[(90, 65), (150, 50), (185, 85), (140, 130), (190, 175), (160, 225), (90, 215)]],
    4: [[(110, 50), (80, 150), (200, 150)], [(170, 60), (165, 235)]],
    5: [[(190, 55), (105, 55), (95, 130), (150, 120), (190, 160), (170, 220), (95, 225)]],
    6: [[(170, 50), (110, 110), (90, 180), (120, 230), (175, 225), (190, 180), (150, 150), (95, 175)]],
    7: [[(80, 60), (200, 60), (130, 230)]],
    8: [[(140, 135), (100, 95), (130, 55), (175, 75), (165, 110), (105, 180), (130, 230), (180, 210), (140, 135)]],
    9: [[(185, 95), (140, 60), (100, 95), (130, 140), (180, 110), (185, 60), (180, 160), (160, 235)]],
}


def sketch(digit: int, chance: random.Random, slant: float = 0.0) -> dict[str, Any]:
    """What a canvas has on it when a hand has drawn the digit. slant: how far it leans, as pixels a pixel."""

    def point(x: float, y: float) -> list[float]:
        return [x + slant * (140 - y) + chance.uniform(-6, 6), y + chance.uniform(-6, 6)]

    paths = [[point(*place) for place in stroke] for stroke in DIGITS[digit]]
    return {"objects": [{"path": [["M", *path[0]], *(["L", *place] for place in path[1:])]} for path in paths]}


def drawing(digit: int, hand: int, chance: random.Random | None = None) -> Drawing:
    """A drawing by a hand that always leans to its own side."""
    chance = chance or random.Random(f"{digit} {hand}")
    slant = random.Random(hand).uniform(-0.4, 0.4)
    return make_drawing(secrets.token_hex(8), digit, hand, 1_795_000_000.0, sketch(digit, chance, slant))


def list_collections() -> list[Collection]:
    """All that can be read, the newest first."""
    return [collection for collection, _contents in read_collections()]


def fill(collection: Collection, hands: int, each: int = 1) -> None:
    """Let so many hands draw all ten digits, each so many times."""
    chance = random.Random(0)
    for hand in range(1001, 1001 + hands):
        for _time in range(each):
            for digit in range(10):
                collection.add(drawing(digit, hand, chance))
