"""Every step from the canvas to the tensor, as pictures; and the story's own way beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import streamlit as st

from vgg_demo.text import _, percent
from vgg_demo.ui.draw.inference import Inference
from vgg_demo.ui.shared import resources
from vgg_demo.ui.shared.pictures import figure, row, with_box

if TYPE_CHECKING:
    import torch

    from vgg_demo.model import VGG

SHOWN = 140  # screen pixels a picture


def show(inference: Inference) -> None:
    """The steps; with the switch, those of a plain resize, too, and both answers."""
    row(*steps(inference))
    st.caption(
        _(
            "MNIST itself was made so (LeCun et al. 1998), by people whose pens were alike: the network gets what it "
            "has learned from."
        )
    )
    if st.toggle(_("The story's own way beside it"), key="draw_story", persist_state=resources.KEPT):
        show_story(inference)


def steps(inference: Inference) -> list[str]:
    """A picture of every step from the canvas to the tensor, as HTML."""
    prepared = inference.reading.prepared
    left, top, right, bottom = prepared.box
    box = _("2. The ink and the box around it: {w}×{h} pixels")
    if inference.rasterized is not None:
        box = _("2. Its strokes drawn again with a pen that suits their size, and the box around them: {w}×{h} pixels")
    box, framed = box.format(w=right - left, h=bottom - top), with_box(prepared.ink, prepared.box)
    strokes = _("3. Strokes as wide as those of MNIST's pens")
    height, width = prepared.scaled.shape
    scaled = _("4. The longer side made 20 pixels: {w}×{h}").format(w=width, h=height)
    centred = _("5. Placed in 28×28, its centre of mass in the middle")
    return [
        first_figure(inference),
        figure(framed, box, _("The ink, light on dark, with a frame around it")),
        ink_figure(prepared.strokes, strokes, _("The ink of the box with its strokes made thinner or wider")),
        ink_figure(prepared.scaled, scaled, _("The ink in few pixels")),
        figure(prepared.digit, centred, _("The digit, centred in 28 by 28 pixels")),
        tensor_figure(inference.vgg, inference.image, _("6. ")),
    ]


def show_story(inference: Inference) -> None:
    """A plain resize of the whole canvas, the MNIST transform, and what the network reads then."""
    from vgg_demo.analysis.explain import plain_resize
    from vgg_demo.evaluation import predict_probabilities

    resized = plain_resize(inference.pixels)
    probabilities = predict_probabilities(inference.vgg, resized)[0].tolist()
    whole = _("2. All of it made 28×28, where it lies, as large as it is")
    row(
        first_figure(inference),
        figure(resized[0, 0].numpy(), whole, _("The whole picture in 28 by 28 pixels")),
        tensor_figure(inference.vgg, resized, _("3. ")),
    )
    answer = max(range(10), key=probabilities.__getitem__)
    reading = inference.reading
    columns = {
        _("way"): [_("cut out and centred"), _("the story's plain resize")],
        _("answer"): [str(reading.digit), str(answer)],
        _("how sure"): [percent(max(reading.probabilities), 1), percent(probabilities[answer], 1)],
    }
    st.table(columns, hide_index=True)
    st.caption(
        _(
            "Draw small, in a corner: the plain way goes wrong. No digit in MNIST is small or lies in a corner, so the "
            "network has never seen one, and it does not read every size and place alike."
        )
    )


def first_figure(inference: Inference) -> str:
    """The picture that both ways begin with."""
    return figure(inference.pixels, _("1. The picture"), _("The picture as it was drawn or chosen"))


def ink_figure(ink: npt.NDArray[np.float32], caption: str, alt: str) -> str:
    """Ink, (H, W) in [0, 1], its longer side SHOWN wide or high."""
    pixels = (ink.clip(0, 1) * 255).round().astype(np.uint8)
    return figure(pixels, caption, alt, SHOWN * ink.shape[1] // max(ink.shape))


def tensor_figure(vgg: VGG, image: torch.Tensor, number: str) -> str:
    """What goes into the network, with its size and range: its first channel, -1 black, 1 white."""
    from vgg_demo.transforms import transform_batch

    inputs = transform_batch(image, vgg.config)  # float32 (1, C, S, S) in [-1, 1]
    pixels = ((inputs[0, 0] + 1) * 127.5).round().byte().numpy()
    return figure(pixels, number + tensor_in_words(inputs), _("The tensor as a picture"))


def tensor_in_words(inputs: torch.Tensor) -> str:
    """Size, channels and range."""
    batch, channels, height, width = inputs.shape
    kind = _("grey") if channels == 1 else _("three times the same grey")
    return _("The tensor: {n}×{c}×{h}×{w} ({kind}), from {low:.2f} to {high:.2f}").format(
        n=batch, c=channels, h=height, w=width, kind=kind, low=float(inputs.min()), high=float(inputs.max())
    )
