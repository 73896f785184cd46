"""A collection as a zip of pictures in folders 0 to 9, which Evaluate reads as it reads anybody's."""

from __future__ import annotations

import io
import re
import zipfile

from vgg_demo.collection.contents import Contents
from vgg_demo.collection.drawing import Drawing, picture
from vgg_demo.errors import BlankImageError

_hand_in_name = re.compile(r"\bhand-(\d{1,8})-").search


def to_zip(contents: Contents) -> bytes:
    """The drawings that are used, each as large as it was drawn; read again they give the same 28×28 pixels."""
    from PIL import Image

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # pictures are compressed already
        for drawing in contents.used:
            try:
                pixels = picture(drawing.strokes)
            except BlankImageError:  # of a file that was not made here
                continue
            png = io.BytesIO()
            Image.fromarray(pixels).save(png, "PNG")
            archive.writestr(f"{drawing.digit}/{picture_name(drawing)}.png", png.getvalue())
    return file.getvalue()


def picture_name(drawing: Drawing) -> str:
    """What a drawing is called beside others: whose hand it is, and which one of it."""
    return f"hand-{drawing.hand}-{drawing.id[:6]}"


def hand_of(name: str) -> int | None:
    """The hand that a picture's name names, or None."""
    found = _hand_in_name(name)
    return int(found[1]) if found else None
