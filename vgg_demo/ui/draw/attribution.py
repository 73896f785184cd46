"""Which places of the image the answer depends on: class activation maps (Grad-CAM) and occlusion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.draw.feature_maps import title
from vgg_demo.ui.draw.inference import Inference
from vgg_demo.ui.shared import jobs, pictures, resources

if TYPE_CHECKING:
    import torch

    from vgg_demo.analysis.explain import ConvLayer

NOTHING = 1e-6  # logits: less than this is only rounding
FAINT = 0.25  # of the answer's: what is weaker than this is shown weaker


def show(inference: Inference) -> None:
    """Two class activation maps beside each other; below, occlusion when it is asked for."""
    from vgg_demo.analysis.explain import class_activation

    answer = inference.reading.digit
    layer = pick_layer(inference)
    other = pick_other(inference)
    with st.spinner(_("Looking …")):  # the first time in a server's life it takes seconds to load
        found = [class_activation(inference.vgg, inference.image, digit, layer) for digit in (answer, other)]
    most = float(found[0].max())
    pictures.row(
        heat_figure(inference, found[0], most, _("What speaks for {digit}, the answer").format(digit=answer)),
        heat_figure(inference, found[1], most, speaks_for(other, float(found[1].max()), most)),
    )
    text = _(
        "Orange: what the layer finds here raises this digit's logit. Why not {other}? Look for the strokes that "
        "do not speak for it. (Grad-CAM, Selvaraju et al. 2017.)"
    )
    st.caption(text.format(other=other))
    st.markdown(_("**Hide a part**"))
    show_occlusion(inference)


def pick_layer(inference: Inference) -> ConvLayer:
    """The layer to look at: the deepest that can still say where, or any other."""
    from vgg_demo.analysis.explain import conv_layers, default_cam_layer

    layers = conv_layers(inference.vgg)
    size = inference.vgg.config.image_size

    def name(place: int) -> str:
        side = size // 2 ** layers[place].pools
        return _("{title}, {side}×{side}").format(title=title(layers[place]), side=side)

    with st.container(width=340):
        place = st.selectbox(
            _("At this layer"),
            range(len(layers)),
            index=layers.index(default_cam_layer(inference.vgg)),
            format_func=name,
            key=f"draw_cam_layer-{len(layers)}-{size}",
            persist_state=resources.KEPT,
            help=_("Deep layers know digits, but only coarsely where; early ones know where, but only edges."),
        )
    return layers[place]


def pick_other(inference: Inference) -> int:
    """The digit to compare with: the runner-up, or any other."""
    order = sorted(range(10), key=inference.reading.logits.__getitem__, reverse=True)
    other: int | None = st.segmented_control(
        _("Why not …"),
        sorted(order[1:]),
        default=order[1],
        format_func=lambda digit: _("{digit} (runner-up)").format(digit=digit) if digit == order[1] else str(digit),
        key=f"draw_why_not-{order[0]}-{order[1]}",
        required=True,
    )
    return order[1] if other is None else other


def speaks_for(digit: int, strength: float, most: float) -> str:
    """What speaks for another digit than the answer, and how strongly beside the answer's."""
    text = _("What speaks for {digit}").format(digit=digit)
    if strength <= NOTHING or most <= NOTHING:
        return text
    if strength < 0.01 * most:
        return text + _(": next to nothing")
    return text + _(", {share:.0f} % as strong").format(share=100 * strength / most)


def heat_figure(inference: Inference, heat: torch.Tensor, answers: float, caption: str) -> str:
    """A class activation map over the ink; a faint one only faintly, beside what is the answer's largest value."""
    most = float(heat.max())
    if most <= NOTHING:
        caption = alt = _("{caption}: nothing on the picture").format(caption=caption)
    else:
        alt = _("{caption}: most of it {place}").format(caption=caption, place=pictures.strongest_place(heat))
    picture = pictures.heat_over(inference.reading.prepared.digit, heat / max(most, FAINT * answers, NOTHING))
    return pictures.figure(picture, caption, alt, 220)


def show_occlusion(inference: Inference) -> None:
    """Slide a patch over the digit, when asked, and show what each place is worth."""
    digit, image = inference.reading.digit, inference.reading.prepared.digit

    def work(progress: jobs.Progress) -> torch.Tensor:
        from vgg_demo.analysis.explain import occlusion

        return occlusion(inference.vgg, inference.image, digit, on_progress=progress)

    st.caption(_("A black patch of 4×4 pixels is slid over the digit, and the network is asked each time."))
    key = ("occlusion", inference.network.sha256, image.tobytes(), digit)
    lost = jobs.ask(key, work, _("Hide every part in turn"), "draw_occlusion", icon="visibility_off")
    if lost is None:
        return
    worst, place = max(float(lost.max()), 0.0), pictures.strongest_place(lost)
    words = _("Hiding a part costs at most {most:.1f} percentage points of the {digit}, mostly {place}")
    words = words.format(most=100 * worst, digit=digit, place=place)
    picture = pictures.heat_over(image, lost / max(float(lost.abs().max()), 0.02))
    pictures.row(pictures.figure(picture, words, words, 220))
    text = _("Orange: hiding this makes {digit} less likely; blue: more likely. (Zeiler and Fergus 2014.)")
    st.caption(text.format(digit=digit))
