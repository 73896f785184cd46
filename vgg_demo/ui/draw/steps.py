"""Every step from the canvas to the tensor, as pictures; and the story's own way beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.text import _, percent
from vgg_demo.ui.draw import pictures as draw_pictures
from vgg_demo.ui.draw.look import Look
from vgg_demo.ui.shared import resources

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from vgg_demo.model import VGG

SHOWN = 140  # screen pixels a picture


def show(look: Look) -> None:
    """The steps; with the switch, those of a plain resize, too, and both answers."""
    draw_pictures.row(steps(look))
    st.caption(
        _(
            "MNIST itself was made so (LeCun et al. 1998), by people whose pens were alike: the network gets what it "
            "has learned from."
        )
    )
    if st.toggle(_("The story's own way beside it"), key="draw_story", persist_state=resources.KEPT):
        show_story(look)


def steps(look: Look) -> list[str]:
    """A picture of every step from the canvas to the tensor, as HTML."""
    figure, prepared = draw_pictures.figure, look.reading.prepared
    left, top, right, bottom = prepared.box
    box = _("2. The ink and the box around it: {w}×{h} pixels")
    if look.drawn_again is not None:
        box = _("2. Its strokes drawn again with a pen that suits their size, and the box around them: {w}×{h} pixels")
    box = box.format(w=right - left, h=bottom - top)
    height, width = prepared.scaled.shape
    small = _("4. The longer side made 20 pixels: {w}×{h}").format(w=width, h=height)
    inputs = tensor(look.network, look.image)
    return [
        figure(look.pixels, _("1. The picture"), _("The picture as it was drawn or chosen")),
        figure(
            draw_pictures.with_box(prepared.ink, prepared.box), box, _("The ink, light on dark, with a frame around it")
        ),
        figure(
            as_bytes(prepared.strokes),
            _("3. Strokes as wide as those of MNIST's pens"),
            _("The ink of the box with its strokes made thinner or wider"),
            SHOWN * prepared.strokes.shape[1] // max(prepared.strokes.shape),
        ),
        figure(as_bytes(prepared.scaled), small, _("The ink in few pixels"), SHOWN * width // max(height, width)),
        figure(
            prepared.digit,
            _("5. Placed in 28×28, its centre of mass in the middle"),
            _("The digit, centred in 28 by 28 pixels"),
        ),
        figure(tensor_picture(inputs), _("6. ") + tensor_in_words(inputs), _("The tensor as a picture")),
    ]


def show_story(look: Look) -> None:
    """A plain resize of the whole canvas, the MNIST transform, and what the network reads then."""
    from vgg_demo.analysis.explain import plain_resize
    from vgg_demo.evaluation import predict_probabilities

    resized = plain_resize(look.pixels)
    inputs = tensor(look.network, resized)
    probabilities = predict_probabilities(look.network, resized)[0].tolist()
    draw_pictures.row(
        [
            draw_pictures.figure(look.pixels, _("1. The picture"), _("The picture as it was drawn or chosen")),
            draw_pictures.figure(
                resized[0, 0].numpy(),
                _("2. All of it made 28×28, where it lies, as large as it is"),
                _("The whole picture in 28 by 28 pixels"),
            ),
            draw_pictures.figure(
                tensor_picture(inputs), _("3. ") + tensor_in_words(inputs), _("The tensor as a picture")
            ),
        ]
    )
    answer = max(range(10), key=probabilities.__getitem__)
    reading = look.reading
    st.table(
        {
            _("way"): [_("cut out and centred"), _("the story's plain resize")],
            _("answer"): [str(reading.digit), str(answer)],
            _("how sure"): [percent(max(reading.probabilities), 1), percent(probabilities[answer], 1)],
        },
        hide_index=True,
    )
    st.caption(
        _(
            "Draw small, in a corner: the plain way goes wrong. No digit in MNIST is small or lies in a corner, so the "
            "network has never seen one, and it does not read every size and place alike."
        )
    )


def as_bytes(ink: npt.NDArray[np.float32]) -> draw_pictures.Pixels:
    """Ink in [0, 1] as uint8, 255 the most ink."""
    return (ink.clip(0, 1) * 255).round().astype("uint8")


def tensor(network: VGG, image: torch.Tensor) -> torch.Tensor:
    """What goes into the network: float32 (1, C, S, S) in [-1, 1]."""
    from vgg_demo.transforms import transform_batch

    return transform_batch(image, network.config)


def tensor_in_words(inputs: torch.Tensor) -> str:
    """Size, channels and range."""
    batch, channels, height, width = inputs.shape
    kind = _("grey") if channels == 1 else _("three times the same grey")
    return _("The tensor: {n}×{c}×{h}×{w} ({kind}), from {low:.2f} to {high:.2f}").format(
        n=batch, c=channels, h=height, w=width, kind=kind, low=float(inputs.min()), high=float(inputs.max())
    )


def tensor_picture(inputs: torch.Tensor) -> draw_pictures.Pixels:
    """The tensor's first channel as a picture: -1 black, 1 white."""
    return ((inputs[0, 0] + 1) * 127.5).round().byte().numpy()
