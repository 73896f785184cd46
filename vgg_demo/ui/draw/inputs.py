"""Other ways to a digit than drawing it: a picture file, a photograph of paper, a test digit, one from Evaluate."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from vgg_demo.collection.drawing import CANVAS_PIXELS
from vgg_demo.errors import ImageError
from vgg_demo.text import N_, Message, _, plain, translate
from vgg_demo.ui.shared import expander, pictures, resources
from vgg_demo.ui.shared.pictures import Pixels

STATE = ("draw_image", "draw_image_caption", "draw_image_label", "draw_image_answer", "draw_image_error")
TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


def show_sent() -> Pixels | None:
    """The picture that is read in place of the canvas, uint8 (H, W, 3), and the way back; None without any."""
    image: Pixels | None = st.session_state.get("draw_image")
    # hidden, not left out: a canvas that goes loses its drawing
    st.html(f"<style>.st-key-sketch {{ display: {'flex' if image is None else 'none'}; }}</style>")
    if image is None:
        return None
    caption = str(st.session_state.get("draw_image_caption", ""))
    width = CANVAS_PIXELS if image.shape[1] >= image.shape[0] else CANVAS_PIXELS * image.shape[1] // image.shape[0]
    with st.container(key="sent"):
        pictures.row(pictures.figure(image, caption, caption, max(1, width)))
    st.button(_("Back to the canvas"), icon=":material/draw:", key="unsend", on_click=_back)
    return image[..., None].repeat(3, 2) if image.ndim == 2 else image


def show() -> None:
    """The ways, closed until asked for."""
    with expander.kept(_("Use a picture instead"), ":material/image:", "draw_ways") as is_open:
        if not is_open:
            return
        way = st.segmented_control(
            _("Where from"),
            list(WAYS),
            format_func=lambda way: translate(WAYS[way][0]),
            key="draw_way",
            default="upload",
            required=True,
            on_change=resources.forget,
            args=("draw_image_error",),
        )
        WAYS[way or "upload"][1]()
        if error := st.session_state.get("draw_image_error"):
            st.error(plain(error), icon=":material/error:")


def show_upload() -> None:
    """A picture file."""
    key = f"draw_upload-{_version()}"
    label = _("A picture of one or more digits, at most 20 MB. On a phone this offers the camera, too.")
    st.file_uploader(label, type=TYPES, key=key, on_change=take_file, args=(key,))


def show_camera() -> None:
    """A photograph of paper."""
    key = f"draw_camera-{_version()}"
    st.camera_input(_("Dark, thick digits on white paper, no lines"), key=key, on_change=take_file, args=(key,))
    st.caption(_("A browser gives its camera only to this computer itself or over https."))


def show_test_digit() -> None:
    """One of the test digits."""
    st.button(_("Show a random test digit"), icon=":material/casino:", key="draw_test", on_click=take_test_digit)
    st.caption(_("One of 10,000 that no network here learned from. Its true label comes after the answer."))


def take_file(key: str) -> None:
    """Read what an uploader or a camera has, or say why it cannot be read."""
    from vgg_demo.drawing.contrast import on_paper
    from vgg_demo.drawing.image_files import decode_image

    state: Any = st.session_state
    resources.forget(*STATE)
    file = state.get(key)
    if file is None:  # it was removed
        return
    try:
        pixels = on_paper(decode_image(file, file.name))
    except ImageError as error:
        state["draw_image_error"] = str(error)
        return
    send(pixels, Message(N_("your photograph")) if key.startswith("draw_camera") else file.name)


def take_test_digit() -> None:
    """Show a random test digit, and keep its true label for after the answer."""
    digits = resources.test_digits()
    index = random.randrange(len(digits))
    send(digits.images[index, 0].numpy(), Message(N_("test image {index}"), index=index), int(digits.labels[index]))


def send(pixels: Pixels, caption: str | Message, label: int | None = None, answer: str | Message | None = None) -> None:
    """Show a picture, uint8 (H, W) or (H, W, 3), instead of the canvas. label: its true digit, where it is known.

    answer: what Evaluate shows for it, in words.
    """
    state: Any = st.session_state
    state["draw_image"], state["draw_image_caption"], state["draw_image_label"] = pixels, caption, label
    state["draw_image_answer"] = answer


def _back() -> None:
    resources.forget(*STATE)
    st.session_state["draw_upload_version"] = _version() + 1  # empties the uploader


def _version() -> int:
    """Part of the uploader's key: with another key it is empty."""
    return int(st.session_state.get("draw_upload_version", 0))


WAYS = {
    "upload": (N_("Upload"), show_upload),
    "camera": (N_("Photograph"), show_camera),
    "test": (N_("A test digit"), show_test_digit),
}
