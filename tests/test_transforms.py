"""The one transform: the batched form against PIL and torchvision, and that there is no second one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torchvision.transforms.functional import to_pil_image

from vgg_demo.config import ModelConfig
from vgg_demo.data import Digits
from vgg_demo.transforms import story_transform, transform_batch

ONE_LEVEL = 2 / 255 + 1e-6


def normalises(node: ast.AST) -> bool:
    """Whether the code at this node defines the constants, uses torchvision's classes, or divides by 255 or 127.5."""
    match node:
        case ast.Assign(targets=[ast.Name(id="MEAN" | "STD")]):
            return True
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in ("Normalize", "ToTensor")
        case ast.BinOp(op=ast.Div(), right=divisor):
            return any(isinstance(part, ast.Constant) and part.value in (255, 127.5) for part in ast.walk(divisor))
    return False


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 32, 224])
def test_transform_batch_real_digits_is_within_one_level_of_the_story(
    mnist: tuple[Digits, Digits], size: int, channels: int
) -> None:
    images = mnist[1].images[:64]
    story = story_transform(size, channels)

    inputs = transform_batch(images, ModelConfig("vgg4", image_size=size, channels=channels))

    reference = torch.stack([story(to_pil_image(image)) for image in images])
    assert inputs.dtype == torch.float32
    assert inputs.shape == (64, channels, size, size)
    assert (inputs - reference).abs().max() <= ONE_LEVEL
    assert inputs.min() >= -1
    assert inputs.max() <= 1


@pytest.mark.parametrize("size", [28, 32, 224])
def test_transform_batch_made_smaller_is_within_one_level_of_the_story(mnist: tuple[Digits, Digits], size: int) -> None:
    pictures = [to_pil_image(image).resize((280, 280), Image.Resampling.BICUBIC) for image in mnist[1].images[:16]]
    images = torch.stack([torch.frombuffer(bytearray(p.tobytes()), dtype=torch.uint8) for p in pictures])

    inputs = transform_batch(images.view(-1, 1, 280, 280), ModelConfig("vgg4", image_size=size, channels=1))

    reference = torch.stack([story_transform(size, 1)(picture) for picture in pictures])
    assert (inputs - reference).abs().max() <= ONE_LEVEL


@pytest.mark.parametrize("size", [20, 24, 32, 224])
def test_transform_batch_real_digits_is_what_torch_itself_makes(mnist: tuple[Digits, Digits], size: int) -> None:
    images = mnist[1].images[:500]
    pixels = F.interpolate(images.float(), (size, size), mode="bilinear", antialias=True).round()

    inputs = transform_batch(images, ModelConfig("vgg4", image_size=size, channels=1))

    difference = (inputs - (pixels / 127.5 - 1)).abs()
    assert difference.max() <= ONE_LEVEL
    assert (difference > ONE_LEVEL / 2).float().mean() < 0.001  # what lies in the middle of two levels


@pytest.mark.parametrize(("level", "expected"), [(0, -1.0), (255, 1.0), (51, -0.6)])  # (level / 255 - 0.5) / 0.5
def test_both_transforms_flat_image_give_the_hand_computed_value(level: int, expected: float) -> None:
    picture = Image.new("L", (28, 28), level)
    image = torch.full((1, 1, 28, 28), level, dtype=torch.uint8)

    story, batched = story_transform(32, 3)(picture), transform_batch(image, ModelConfig("vgg16", image_size=32))

    torch.testing.assert_close(story, torch.full((3, 32, 32), expected))
    torch.testing.assert_close(batched[0], torch.full((3, 32, 32), expected))


@pytest.mark.parametrize("size", [28, 32])
def test_transform_batch_leaves_its_input_alone(mnist: tuple[Digits, Digits], size: int) -> None:
    images = mnist[1].images[:2].clone()

    transform_batch(images, ModelConfig("vgg4", image_size=size))

    assert torch.equal(images, mnist[1].images[:2])


def test_normalisation_stands_in_transforms_alone(project: Path) -> None:
    package = project / "vgg_demo"
    files = [project / "streamlit_app.py", *package.rglob("*.py")]

    found = {path.name for path in files if any(normalises(node) for node in ast.walk(ast.parse(path.read_bytes())))}

    # contrast.py and segmentation.py turn levels to brightness and back; what is handed on is uint8, as a test shows
    assert found == {"transforms.py", "contrast.py", "segmentation.py"}
