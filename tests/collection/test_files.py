"""A collection as a zip of pictures: Evaluate reads back the very pixels, and whose hand each is."""

from __future__ import annotations

import io
from pathlib import Path

from tests.collection.hands import drawing, fill
from vgg_demo.collection.files import hand_of, picture_name, to_zip
from vgg_demo.collection.store import open_collection
from vgg_demo.drawing.labelled_folder import read_zip


def test_zip_read_as_labelled_pictures_gives_the_same_digits(home: Path) -> None:
    collection = open_collection("3b")
    fill(collection, hands=2)
    out = drawing(4, 1003)
    collection.add(out)
    collection.leave_out([out.id])
    used = collection.contents().used

    own = read_zip(io.BytesIO(to_zip(collection.contents())))

    assert own.left_out == []
    read = {Path(name).stem: (label, image.tobytes()) for name, label, image in zip(
        own.names, own.digits.labels.tolist(), own.digits.images[:, 0].numpy(), strict=True
    )}  # fmt: skip
    assert read == {picture_name(d): (d.digit, d.image) for d in used}
    assert [hand_of(name) for name in own.names] == [1001] * 10 + [1002] * 10


def test_hand_is_found_in_names_of_collections_alone() -> None:
    assert hand_of("4/hand-48213907-0a1b2c.png") == 48213907
    assert hand_of("hand-7-0a1b2c") == 7
    assert [hand_of(name) for name in ("4/hand-made.png", "4/shorthand-7-a.png", "7/img-12-3.png", "")] == [None] * 4
