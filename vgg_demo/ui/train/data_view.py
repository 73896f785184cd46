"""Look at the data: one batch, before and after the transform; how many of each digit; the average digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import VggDemoError
from vgg_demo.text import _, plain
from vgg_demo.ui.shared import charts, expander

SHOWN = 12


def show_batch(config: RunConfig) -> None:
    """A few images of the first batch, before anything was trained."""
    try:
        before, _after, labels, *_others = _look(config)
    except VggDemoError as error:
        st.error(plain(error))
        return
    st.caption(_("The first digits that it will see; the network learns to tell which is which:"))
    _row(before, labels)


def show(config: RunConfig) -> None:
    """A closed expander; nothing is computed before it is opened. config: what is going to be trained."""
    with expander.kept(_("Look at the data"), ":material/image_search:", "data_view") as is_open:
        if not is_open:
            return
        try:
            before, after, labels, shape, counts, average = _look(config)
        except VggDemoError as error:
            st.error(plain(error))
            return
        st.markdown(_("**One batch** as it comes: white ink on black, 28×28 pixels, 0 to 255."))
        _row(before, labels)
        text = _(
            "**After the transform**, as the network takes it: a tensor of shape **{shape}** (images, channels, "
            "height, width), from -1 (black) to 1 (white)."
        )
        st.markdown(text.format(shape=" × ".join(map(str, shape))))
        if config.train.augment or config.train.handwriting_styles:
            st.caption(_("Augmentation distorts these images each time in another way; here they are without it."))
        _row(after, labels)
        left, right = st.columns(2)
        with left:
            st.markdown(_("**How many of each digit** there are to learn from."))
            words = _("Images of each digit: ") + ", ".join(f"{d}: {n:,}" for d, n in enumerate(counts))
            st.echarts_chart(charts.digit_counts(counts), height=240, key="digit-counts", alt=words)
        with right:
            st.markdown(_("**The average digit**: all images of a digit laid over each other."))
            _row(average, list(range(10)))


@st.cache_data(show_spinner=False, max_entries=10)
def _look(config: RunConfig) -> tuple[Any, ...]:
    from vgg_demo.data import load_train, split_train
    from vgg_demo.transforms import transform_batch

    digits, _validation = split_train(load_train(), config.train.validation_images, config.train.seed)
    batch = digits[: config.train.batch_size]
    inputs = transform_batch(batch.images[:SHOWN], config.model)
    shape = (len(batch), *inputs.shape[1:])
    seen = ((inputs[:, 0] + 1) * 127.5).round().byte().numpy()
    counts = digits.labels.bincount(minlength=10).tolist()
    average = np.stack([digits.images[digits.labels == d, 0].float().mean(0).byte().numpy() for d in range(10)])
    return batch.images[:SHOWN, 0].numpy(), seen, batch.labels[:SHOWN].tolist(), shape, counts, average


def _row(images: Any, labels: list[int]) -> None:
    with st.container(horizontal=True, gap="small"):
        for image, label in zip(images, labels, strict=True):
            scale = max(1, 56 // image.shape[0])
            large, words = image.repeat(scale, 0).repeat(scale, 1), _("a {digit}").format(digit=label)
            st.image(large, width=56, caption=str(label), alt=words)
