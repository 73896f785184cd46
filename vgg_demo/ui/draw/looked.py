"""Where the network looked: what speaks for its answer and for another, and what happens when a part is hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from vgg_demo.text import _
from vgg_demo.ui.draw import pictures
from vgg_demo.ui.draw.layers import title
from vgg_demo.ui.draw.look import Look
from vgg_demo.ui.shared import jobs, resources

if TYPE_CHECKING:
    import torch

    from vgg_demo.analysis.explain import ConvLayer

NOTHING = 1e-6  # logits: less than this is only rounding
FAINT = 0.25  # of the answer's: what is weaker than this is shown weaker


def show(look: Look) -> None:
    """Two class activation maps beside each other; below, occlusion when it is asked for."""
    from vgg_demo.analysis.explain import class_activation

    answer = look.reading.digit
    layer = pick_layer(look)
    other = pick_other(look)
    with st.spinner(_("Looking …")):  # the first time in a server's life it takes seconds to load
        found = [class_activation(look.network, look.image, digit, layer) for digit in (answer, other)]
    most = float(found[0].max())
    pictures.row(
        [
            heat_figure(look, found[0], most, _("What speaks for {digit}, the answer").format(digit=answer)),
            heat_figure(look, found[1], most, speaks_for(other, float(found[1].max()), most)),
        ]
    )
    st.caption(
        _(
            "Orange: what the layer finds here raises this digit's logit. Why not {other}? Look for the strokes that "
            "do not speak for it. (Grad-CAM, Selvaraju et al. 2017.)"
        ).format(other=other)
    )
    st.markdown(_("**Hide a part**"))
    show_occlusion(look)


def pick_layer(look: Look) -> ConvLayer:
    """The layer to look at: the deepest that can still say where, or any other."""
    from vgg_demo.analysis.explain import conv_layers, default_cam_layer

    layers = {layer.index: layer for layer in conv_layers(look.network)}
    first = default_cam_layer(look.network).index
    size = look.network.config.image_size

    def name(index: int) -> str:
        side = size // 2 ** (layers[index].block - 1)
        return _("{title}, {side}×{side}").format(title=title(layers[index]), side=side)

    with st.container(width=340):
        index = st.selectbox(
            _("At this layer"),
            list(layers),
            index=list(layers).index(first),
            format_func=name,
            key=f"draw_cam_layer-{len(layers)}-{size}",
            persist_state=resources.KEPT,
            help=_("Deep layers know digits, but only coarsely where; early ones know where, but only edges."),
        )
    return layers[index]


def pick_other(look: Look) -> int:
    """The digit to compare with: the runner-up, or any other."""
    order = sorted(range(10), key=look.reading.logits.__getitem__, reverse=True)
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


def heat_figure(look: Look, heat: torch.Tensor, answers: float, caption: str) -> str:
    """A class activation map over the ink; a faint one only faintly, beside what is the answer's largest value."""
    most = float(heat.max())
    if most <= NOTHING:
        caption = _("{caption}: nothing on the picture").format(caption=caption)
        alt = caption
    else:
        alt = _("{caption}: most of it {place}").format(caption=caption, place=pictures.strongest_place(heat))
    picture = pictures.heat_over(look.reading.prepared.digit, heat / max(most, FAINT * answers, NOTHING))
    return pictures.figure(picture, caption, alt, 220)


def show_occlusion(look: Look) -> None:
    """Slide a patch over the digit, when asked, and show what each place is worth."""
    digit = look.reading.digit

    def work(progress: jobs.Progress) -> Any:
        from vgg_demo.analysis.explain import occlusion

        return occlusion(look.network, look.image, digit, on_progress=progress)

    st.caption(_("A black patch of 4×4 pixels is slid over the digit, and the network is asked each time."))
    button = _("Hide every part in turn")
    lost = jobs.ask(("occlusion", *look.key, digit), work, button, "draw_occlusion", icon="visibility_off")
    if lost is None:
        return
    most = float(lost.abs().max())
    place = pictures.strongest_place(lost)
    words = _("Hiding a part costs at most {most:.1f} percentage points of the {digit}, mostly {place}").format(
        most=100 * max(float(lost.max()), 0.0), digit=digit, place=place
    )
    picture = pictures.heat_over(look.reading.prepared.digit, lost / max(most, 0.02))
    pictures.row([pictures.figure(picture, words, words, 220)])
    st.caption(
        _("Orange: hiding this makes {digit} less likely; blue: more likely. (Zeiler and Fergus 2014.)").format(
            digit=digit
        )
    )
