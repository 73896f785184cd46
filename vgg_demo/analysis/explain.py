"""What a network saw in one image: its feature maps, where it looked, and what happens when a part is hidden.

Nothing here changes the network, and several threads may ask about the same one at the same time.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from vgg_demo.data import Progress
from vgg_demo.drawing.contrast import on_paper
from vgg_demo.evaluation import batch_size_for, predict_probabilities
from vgg_demo.model import VGG
from vgg_demo.transforms import transform_batch

SIZE = 28
SMALLEST_MAP = 4  # pixels a side from which a class activation map still says where
PATCH, STRIDE = 4, 2


@dataclass(frozen=True)
class ConvLayer:
    """A convolution, up to and with its ReLU. block and number count from 1; index is the ReLU's place in features.

    pools: how many times the image has been halved when it comes out of the ReLU.
    """

    block: int
    number: int
    index: int
    pools: int


@dataclass(frozen=True)
class FeatureMaps:
    """What one layer answers to one image: float32 (K, h, w), at least 0, a map for each of its K channels."""

    layer: ConvLayer
    maps: torch.Tensor

    @property
    def silent(self) -> int:
        """How many channels do not respond anywhere."""
        return int((self.maps.flatten(1).amax(1) <= 0).sum())

    def strongest(self, count: int) -> list[int]:
        """The channels that respond most, by their mean, the strongest first."""
        return self.maps.mean((1, 2)).argsort(descending=True, stable=True)[:count].tolist()


def conv_layers(network: VGG) -> list[ConvLayer]:
    """Every convolution of the network, from the image on."""
    found, pools, block, number = [], 0, 1, 0
    for index, layer in enumerate(network.features):
        if isinstance(layer, nn.MaxPool2d):
            pools += 1
        elif isinstance(layer, nn.Conv2d):
            number = number + 1 if block == pools + 1 else 1
            block = pools + 1
        elif isinstance(layer, nn.ReLU):
            found.append(ConvLayer(block, number, index, pools))
    return found


@torch.no_grad()
def feature_maps(network: VGG, image: torch.Tensor) -> list[FeatureMaps]:
    """What every convolution answers to one image, after its ReLU.

    image: uint8 (1, 1, H, W), ink light on dark.
    """
    relus = {layer.index: layer for layer in conv_layers(network)}
    network.eval()
    signal = _inputs(network, image)
    found = []
    for index, layer in enumerate(network.features):
        signal = layer(signal)  # (1, K, h, w)
        if index in relus:
            found.append(FeatureMaps(relus[index], signal[0].float().cpu().clone()))
    return found


def default_cam_layer(network: VGG) -> ConvLayer:
    """The last convolution of the deepest block whose map is still fine enough to say where: it knows most of digits.

    The one before it is no substitute: with pools first nothing in its map spoke for the answer, for 30 of 30 digits.
    """
    size = network.config.image_size
    layers = list({layer.block: layer for layer in conv_layers(network)}.values())  # the last one of each block
    fine = [layer for layer in layers if size // 2**layer.pools >= SMALLEST_MAP]
    return (fine or layers)[-1]


def class_activation(network: VGG, image: torch.Tensor, digit: int, layer: ConvLayer | None = None) -> torch.Tensor:
    """Grad-CAM: how much each place speaks for a digit, float32 (28, 28), at least 0, in units of the logit.

    image: uint8 (1, 1, H, W), ink light on dark. layer: where to look; default_cam_layer when not given.
    Every channel's map is weighted by the mean gradient of the digit's logit, and what speaks against it is cut off.
    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.
    """
    from captum.attr import LayerGradCam  # takes two seconds to import

    layer = layer or default_cam_layer(network)
    twin = _private_twin(network)
    with torch.enable_grad():
        cam = LayerGradCam(twin, twin.features[layer.index]).attribute(
            _inputs(network, image), target=digit, relu_attributions=True
        )  # (1, 1, h, w)
    finer = F.interpolate(cam.detach().float(), (SIZE, SIZE), mode="bilinear", align_corners=False)
    return torch.Tensor(finer[0, 0].cpu())


def occlusion(
    network: VGG,
    image: torch.Tensor,
    digit: int,
    patch: int = PATCH,
    stride: int = STRIDE,
    on_progress: Progress | None = None,
) -> torch.Tensor:
    """How much of a digit's probability is lost when a patch of background hides a place: float32 (28, 28).

    image: uint8 (1, 1, 28, 28), ink light on dark. A patch x patch square is slid over it, stride pixels at a time;
    each pixel gets the mean over all squares that hide it, from -1 (hiding it makes the network surer) to 1.
    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
    """
    starts = [*range(0, SIZE - patch, stride), SIZE - patch]
    places = [(top, left) for top in starts for left in starts]
    device = next(network.parameters()).device
    before = float(predict_probabilities(network, image.to(device))[0, digit])
    lost, hidden = torch.zeros(SIZE, SIZE), torch.zeros(SIZE, SIZE)
    batch = min(batch_size_for(network), 64)
    for start in range(0, len(places), batch):
        some = places[start : start + batch]
        images = image.repeat(len(some), 1, 1, 1)  # (n, 1, 28, 28)
        for covered, (top, left) in zip(images, some, strict=True):
            covered[:, top : top + patch, left : left + patch] = 0
        after = predict_probabilities(network, images.to(device))[:, digit].tolist()
        for (top, left), probability in zip(some, after, strict=True):
            lost[top : top + patch, left : left + patch] += before - probability
            hidden[top : top + patch, left : left + patch] += 1
        if on_progress:
            on_progress(start + len(some), len(places))
    return lost / hidden


def probabilities_at(logits: list[float], temperature: float) -> list[float]:
    """Softmax of logits divided by a temperature: above 1 evens it out, below 1 makes it surer.

    Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, equation 1.
    """
    return torch.Tensor(logits).double().div(temperature).softmax(0).tolist()


def plain_resize(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    """The story's own way from a canvas to a digit: the whole picture made 28x28, neither cut out nor centred.

    pixels: uint8 (H, W), (H, W, 3) or (H, W, 4). Returns uint8 (1, 1, 28, 28).
    """
    small = Image.fromarray(on_paper(pixels)).convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(small))[None, None]


def logit_change(network: VGG, image: torch.Tensor) -> float:
    """By how much an image moves the network's logits at most, against an image without ink.

    image: uint8 (1, 1, H, W). Next to nothing means that the network does not see its input.
    """
    both = torch.cat([image, torch.zeros_like(image)])
    with torch.inference_mode():
        drawn, blank = network.eval()(_inputs(network, both)).float()
    return float((drawn - blank).abs().max())


def _inputs(network: VGG, images: torch.Tensor) -> torch.Tensor:
    return transform_batch(images.to(next(network.parameters()).device), network.config)


def _private_twin(network: VGG) -> VGG:
    """The same network with the same tensors in layers of its own: hooks on it see this call's images only."""
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared).eval()
    for layer in twin.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # what a hook has seen must not change afterwards
    return twin
