"""Digits drawn with a pen, in forms that people write and MNIST hardly has, each time a little different.

A form is written as text: points "x,y" in a box 100 wide and 140 high, y down; "/" lifts the pen; "*" marks a corner.
Between corners a smooth curve goes through the points (Catmull and Rom 1974).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch

OVAL = "50,0 16,25 4,72 20,122 52,140 85,118 96,68 84,22 52,2"
ROUND = "60,20 20,30 2,70 16,108 50,122 84,108 98,70 82,32 52,22"
SLIM = "52,0 28,22 22,72 32,124 52,140 72,120 80,66 70,20 48,4"
FORMS: dict[int, tuple[str, ...]] = {
    0: (
        OVAL,
        ROUND,
        "78,14 45,0 12,35 8,95 40,138 80,115 92,60 72,14 48,16",
        OVAL + " / 92,2 8,138",
        OVAL + " / 70,42 30,100",
        OVAL + " / 8,8 92,132",
        ROUND + " / 98,12 4,130",
        ROUND + " / 72,45 28,96",
        SLIM + " / 92,20 10,122",
        SLIM + " / 64,40 38,104",
        "72,8 30,10 5,60 18,125 55,138 92,95 88,35 72,8* 22,132",
        "64,6 24,12 6,70 24,130 60,136 94,100 92,50 78,20 / 98,0 0,140",
    ),
    1: (
        "50,0 50,140",
        "72,0 30,140",
        "25,35 55,0* 55,140",
        "5,70 55,0* 52,140",
        "34,30 58,0* 46,140",
        "20,42 55,0* 55,138 / 15,140 92,140",
        "18,45 55,0* 52,138* 20,140* 88,138",
        "38,20 54,4* 50,136 / 32,138 70,138",
    ),
    2: (
        "8,35 25,8 60,2 85,30 70,75 8,138* 95,138",
        "10,30 45,0 85,25 75,75 30,125 10,128 20,108 50,120 95,138",
        "10,10 85,5* 10,135* 95,135",
        "30,28 48,2 66,22 60,65 34,138* 72,136",
        "10,40 40,0 80,20 75,65 15,130* 45,124 70,138 98,122",
    ),
    3: (
        "12,15 50,0 85,25 48,62* 92,98 55,138 8,122",
        "12,5 88,5* 45,55* 85,75 88,115 50,140 8,125",
        "36,12 54,2 66,28 46,62* 68,95 56,136 30,128",
        "15,20 50,0 80,30 52,62 56,68 90,100 50,140 10,120",
    ),
    4: (
        "25,0 10,85* 95,85 / 70,30 68,140",
        "70,140 70,0* 5,95* 98,92",
        "68,2 5,92* 98,92 / 70,0 68,140",
        "45,0 8,78* 85,70* 45,140",
        "50,0 14,70 20,80 78,66 76,76 42,140",
        "12,5 15,65 55,78 85,40 88,5* 85,140",
        "15,0 15,60 45,78 85,58 / 86,0 82,140",
        "40,0 5,80* 95,72 / 60,50 48,140",
        "52,0 22,58 12,84 34,84 74,60 70,84 60,140",
        "48,0 10,74* 70,58* 64,140",
        "30,0 6,64 24,80 64,56 72,62 80,140",
    ),
    5: (
        "85,2 25,2* 20,60* 60,55 92,95 55,138 10,122",
        "28,5 22,62* 65,58 90,98 50,140 8,122 / 28,5 92,0",
        "85,10 40,8 20,45 60,68 88,105 45,140 10,125",
        "70,4 38,4* 34,58* 58,62 72,100 52,138 28,126",
    ),
    6: (
        "75,0 25,50 8,100 45,140 88,110 60,72 12,95",
        "85,15 50,2 12,60 15,120 55,140 88,108 60,80 20,100",
        "60,0 18,95 30,136 76,126 70,88 24,104",
        "70,5 25,60 15,115 45,138 62,122 50,104 22,116",
    ),
    7: (
        "8,5 92,5* 40,140",
        "8,5 92,5* 40,140 / 30,72 85,68",
        "8,5 92,5* 40,140 / 15,98 80,95",
        "10,4 90,4* 44,140 / 22,112 76,106",
        "8,24 12,4* 92,4* 42,140 / 25,75 85,75",
        "5,15 35,5 60,12 92,2* 55,70 40,140",
        "10,20 40,2 88,10 72,70 40,140 / 20,100 78,90",
    ),
    8: (
        "85,15 45,0 15,30 50,65 88,102 50,140 10,108 48,68 82,32 66,4",
        "50,0 22,15 22,48 50,62 78,48 78,15 50,0 / 50,62 12,85 12,122 50,140 88,122 88,85 50,62",
        "50,68 20,38 45,2 78,28 52,66 14,104 48,140 86,108 50,68",
        "62,10 44,2 34,28 52,66 68,104 52,138 34,108 50,68 66,30 58,6",
        "88,8 30,85 20,125 60,138 80,108 25,35 20,12",
    ),
    9: (
        "85,30 50,0 12,30 40,68 84,34* 85,140",
        "85,25 45,0 10,35 42,72 82,38* 80,110 50,140 12,122",
        "85,25 45,0 10,35 42,72 84,34* 82,138* 15,138",
        "72,18 50,0 32,22 50,42 74,20* 66,90 50,140",
        "80,10 40,5 18,45 50,66 84,40 84,8* 76,85 40,140",
        "86,22 50,0 12,32 40,70 86,30* 78,118 40,132 8,128",
        "78,18 56,2 40,16 52,34 76,18* 70,96 30,140",
        "80,24 48,4 18,26 30,62 70,52 84,20* 88,104 64,138 22,126",
    ),
}

PARTS = 4  # straight parts of the curve between two points
PEN_WIDTH = (1.8, 3.2)  # pixels, from and to
LONGEST_SIDE = 20.0  # pixels, with the pen, as MNIST's digits
# how much hands differ, as standard deviations: where a point and a stroke lie, in units of the box; the logarithm of a
# stroke's size and of the digit's width; slant, in x per y; turn, in radians; bend, as a share of half the box
POINT, PLACE, SIZE, BREADTH, SLANT, TURN, BEND = 3.5, 4.0, 0.12, 0.22, 0.2, 0.1, 0.1


@dataclass(frozen=True)
class Forms:
    """All forms, padded to K points and P places on the path.

    points: (F, K, 2), in the box's units around its middle. stroke: int64 (F, K), which one a point is of.
    path: (F, P, K), the weights of the points in each place. is_drawn: (F, P - 1), whether the pen is down on the way
    to the next place. of_digit: for each digit the indices of its forms.
    """

    points: torch.Tensor
    stroke: torch.Tensor
    path: torch.Tensor
    is_drawn: torch.Tensor
    of_digit: tuple[torch.Tensor, ...]


def draw_digits(digits: torch.Tensor, generator: torch.Generator, size: int = 28) -> torch.Tensor:
    """Draw each digit in one of its forms: int64 (N,) to float32 (N, 1, size, size) in [0, 255], ink light on dark.

    generator: on the CPU; so are the images.
    """
    forms, count = load_forms(), len(digits)
    chance = torch.rand(count, generator=generator).tolist()
    mine = [forms.of_digit[digit] for digit in digits.tolist()]
    chosen = torch.stack([of[int(share * len(of))] for of, share in zip(mine, chance, strict=True)])  # (N,)
    places = forms.path[chosen] @ _vary(forms.points[chosen], forms.stroke[chosen], generator)  # (N, P, 2)
    pen = torch.empty(count, 1, 1).uniform_(*PEN_WIDTH, generator=generator)
    low, high = places.amin(1, keepdim=True), places.amax(1, keepdim=True)
    scale = (LONGEST_SIDE - pen) / (high - low).amax(2, keepdim=True)
    places = (places - (low + high) / 2) * scale + size / 2
    return _draw(places, forms.is_drawn[chosen], pen / 2, size)


def _vary(points: torch.Tensor, stroke: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What another hand makes of a form: (N, K, 2) to the same. stroke: int64 (N, K)."""
    count, most, _ = points.shape

    def normal(deviation: float, *shape: int) -> torch.Tensor:
        return torch.randn(count, *shape, generator=generator) * deviation

    each = stroke[:, :, None].expand(-1, -1, 2)
    points = points + normal(POINT, most, 2)
    shift = normal(PLACE, most, 2).gather(1, each)  # the same for all points of a stroke
    size = normal(SIZE, most, 1).exp().gather(1, each[..., :1])
    of_stroke = (stroke[:, :, None] == stroke[:, None]).float()  # (N, K, K)
    middle = of_stroke @ points / of_stroke.sum(2, keepdim=True)
    points = middle + (points - middle) * size + shift
    x, y = points[..., 0] / 50, points[..., 1] / 70  # in [-1, 1]
    bend = normal(BEND, 6, 1)
    x, y = (
        50 * (x + bend[:, 0] * y**2 + bend[:, 1] * x * y + bend[:, 2] * x**2),
        70 * (y + bend[:, 3] * x**2 + bend[:, 4] * x * y + bend[:, 5] * y**2),
    )
    x = x * normal(BREADTH, 1).exp() - normal(SLANT, 1) * y
    angle = normal(TURN, 1)
    return torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], 2)


def _draw(places: torch.Tensor, is_drawn: torch.Tensor, half_width: torch.Tensor, size: int) -> torch.Tensor:
    """Ink within half_width, (N, 1, 1), of the lines between places, (N, P, 2): float32 (N, 1, size, size)."""
    y, x = torch.cartesian_prod(torch.arange(size), torch.arange(size)).float().T[:, :, None]  # (S * S, 1)
    start_x, start_y = places[:, None, :-1].unbind(3)  # (N, 1, P - 1)
    way_x, way_y = places.diff(dim=1)[:, None].unbind(3)
    length = (way_x**2 + way_y**2).clamp(min=1e-6)
    share = (x * (way_x / length)).add_(y * (way_y / length)).sub_((start_x * way_x + start_y * way_y) / length)
    share.clamp_(0, 1)  # of the line, at its nearest point: (N, S * S, P - 1)
    square = (share * way_x).add_(start_x).sub_(x).square_()
    square.add_(share.mul_(way_y).add_(start_y).sub_(y).square_())
    nearest = square.add_(torch.where(is_drawn, 0.0, math.inf)[:, None]).amin(2).sqrt()  # (N, S * S)
    ink: torch.Tensor = (half_width[:, 0] + 0.5 - nearest).clamp(0, 1)
    return (255 * ink).reshape(-1, 1, size, size)


@cache
def load_forms() -> Forms:
    """FORMS as tensors."""
    parsed = [parse_form(text) for texts in FORMS.values() for text in texts]
    most = max(len(points) for points, _, _, _ in parsed)
    places = max(len(path) for _, _, path, _ in parsed)
    count = len(parsed)
    all_points, all_strokes = torch.zeros(count, most, 2), torch.zeros(count, most, dtype=torch.int64)
    all_paths, is_drawn = torch.zeros(count, places, most), torch.zeros(count, places - 1, dtype=torch.bool)
    for i, (points, strokes, path, drawn) in enumerate(parsed):
        all_points[i, : len(points)] = points - torch.tensor([50.0, 70.0])
        all_strokes[i, : len(points)] = strokes
        all_paths[i, : len(path), : len(points)] = path
        all_paths[i, len(path) :] = all_paths[i, len(path) - 1]  # the last place again and again
        is_drawn[i, : len(drawn)] = drawn
    numbers = iter(range(count))
    return Forms(all_points, all_strokes, all_paths, is_drawn,
                 tuple(torch.tensor([next(numbers) for _ in FORMS[digit]]) for digit in range(10)))  # fmt: skip


def parse_form(text: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A form's points (K, 2), the stroke of each (K,), the weights of each place (P, K), and is_drawn (P - 1,)."""
    points: list[tuple[float, float]] = []
    strokes: list[int] = []
    knots: list[list[int]] = []  # of each stroke, the indices of its points: corners and ends twice
    for number, stroke in enumerate(text.split("/")):
        words = stroke.split()
        knots.append([])
        for i, word in enumerate(words):
            x, y = word.removesuffix("*").split(",")
            is_corner = word.endswith("*") or i in (0, len(words) - 1)
            knots[-1] += [len(points)] * (2 if is_corner else 1)
            points.append((float(x), float(y)))
            strokes.append(number)
    rows: list[torch.Tensor] = []
    drawn: list[bool] = []
    for indices in knots:
        for four in zip(indices, indices[1:], indices[2:], indices[3:], strict=False):
            if four[1] != four[2]:  # from a corner to itself there is no way to go
                rows += [_weights(four, part / PARTS, len(points)) for part in range(PARTS)]
        rows.append(_weights((indices[-1],) * 4, 0.0, len(points)))
        drawn += [True] * (len(rows) - len(drawn) - 1) + [False]
    return torch.tensor(points), torch.tensor(strokes), torch.stack(rows), torch.tensor(drawn[:-1])


def _weights(four: tuple[int, ...], t: float, count: int) -> torch.Tensor:
    """How much each of count points counts at t, 0 to 1, of the way from the second to the third of four: (count,)."""
    values = (
        -0.5 * t**3 + t**2 - 0.5 * t,
        1.5 * t**3 - 2.5 * t**2 + 1,
        -1.5 * t**3 + 2 * t**2 + 0.5 * t,
        0.5 * t**3 - 0.5 * t**2,
    )
    weights = torch.zeros(count)
    for index, value in zip(four, values, strict=True):
        weights[index] += value
    return weights
