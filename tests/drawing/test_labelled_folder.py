"""Folders and zips of labelled pictures, good and bad."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from vgg_demo.data import Digits
from vgg_demo.drawing import labelled_folder
from vgg_demo.drawing.image_files import read_image
from vgg_demo.drawing.labelled_folder import PictureFile, read_folder, read_pictures, read_uploads, read_zip
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.errors import DataError, ImageError


def png(digits: Digits, index: int, size: tuple[int, int] = (100, 120), is_dark_on_light: bool = False) -> bytes:
    picture = Image.fromarray(digits.images[index, 0].numpy()).resize(size)
    if is_dark_on_light:
        picture = Image.eval(picture, lambda value: 255 - value)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file


@pytest.fixture
def files(mnist: tuple[Digits, Digits]) -> dict[str, bytes]:
    """The first eight test digits (7 2 1 0 4 1 4 9), in both polarities, in a folder of a folder."""
    test = mnist[1]
    return {f"mine/{int(test.labels[i])}/{i}.png": png(test, i, is_dark_on_light=i % 2 == 1) for i in range(8)}


def test_zip_gives_labels_by_folder_and_the_drawing_paths_digits(files: dict[str, bytes], tmp_path: Path) -> None:
    own = read_zip(zipped(files))

    assert own.digits.labels.tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    assert own.names == list(files)
    assert own.left_out == []
    (tmp_path / "one.png").write_bytes(files["mine/2/1.png"])
    assert (own.digits.images[1, 0].numpy() == prepare_digit(read_image(tmp_path / "one.png")).digit).all()


def test_folder_zip_and_upload_give_the_same(files: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)

    by_folder, by_zip, by_upload = read_folder(tmp_path), read_zip(zipped(files)), read_uploads(list(files.items()))

    assert by_zip.names == by_upload.names
    assert (by_zip.digits.images == by_upload.digits.images).all()
    assert sorted(by_folder.names) == sorted(by_zip.names)
    order = [by_zip.names.index(name) for name in by_folder.names]
    assert (by_zip.digits.images[order] == by_folder.digits.images).all()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("3/broken.png", b"\x89PNG\r\n\x1a\n and no more", "not a picture"),
        ("3/empty.png", b"", "not a picture"),
        ("readme.txt", b"hello", "no folder called 0 to 9"),
        ("10/a.png", b"", "no folder called 0 to 9"),
        ("3/huge.png", b"\0" * 20_000_001, "over 20 MB"),
        ("3/bomb.png", b"\0" * 15_000_000, "decompression bomb"),
    ],
)
def test_zip_with_a_bad_file_lists_it_and_reads_the_rest(
    files: dict[str, bytes], name: str, content: bytes, reason: str
) -> None:
    own = read_zip(zipped({**files, name: content}))

    assert len(own.digits) == 8
    assert [file.name for file in own.left_out] == [name]
    assert reason in own.left_out[0].reason


def test_blank_and_oversized_pictures_are_left_out(files: dict[str, bytes]) -> None:
    blank, large = io.BytesIO(), io.BytesIO()
    Image.new("L", (50, 50), 200).save(blank, "PNG")
    Image.new("1", (6_000, 6_000)).save(large, "PNG")

    own = read_uploads([*files.items(), ("4/blank.png", blank.getvalue()), ("4/large.png", large.getvalue())])

    assert {file.name: file.reason for file in own.left_out} == {
        "4/blank.png": "there is nothing on it",
        "4/large.png": "6000x6000 pixels are too many; at most 25 million",
    }


def test_picture_of_gigantic_dimensions_is_refused_without_unpacking_it(files: dict[str, bytes]) -> None:
    header = bytearray(files["mine/2/1.png"])
    header[16:24] = (60_000).to_bytes(4, "big") * 2  # width and height in the PNG's header

    own = read_uploads([*files.items(), ("5/bomb.png", bytes(header))])

    assert [file.name for file in own.left_out] == ["5/bomb.png"]


def test_zip_damaged_inside_leaves_that_file_out(files: dict[str, bytes]) -> None:
    content = bytearray(zipped(files, zipfile.ZIP_STORED).getvalue())
    place = content.find(b"IDAT", content.find(b"mine/1/2.png")) + 30
    content[place] ^= 0xFF  # the checksum no longer fits

    own = read_zip(io.BytesIO(bytes(content)))

    assert [(file.name, file.reason) for file in own.left_out] == [("mine/1/2.png", "it is damaged in the zip")]


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_entries_packed_in_a_way_that_unpacks_without_a_limit_are_left_out(
    files: dict[str, bytes], packing: int
) -> None:
    both = zipped(files)
    with zipfile.ZipFile(both, "a", packing) as archive:
        archive.writestr("3/bomb.png", bytes(50_000_000))
        archive.infolist()[-1].file_size = 1_000  # what the zip says of it

    tracemalloc.start()
    own = read_zip(both)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [(file.name, file.reason) for file in own.left_out] == [
        ("3/bomb.png", "it is packed in an unusual way; pack the zip again, with the usual one (deflate)")
    ]
    assert peak < 25_000_000


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_damaged_in_an_entry_of_any_packing_leaves_that_file_out(files: dict[str, bytes], packing: int) -> None:
    content = bytearray(zipped(files, packing).getvalue())
    place = content.find(b"mine/1/2.png") + 60
    content[place : place + 20] = bytes(20)

    with pytest.raises(DataError, match="none of its 8 files can be used"):
        read_zip(io.BytesIO(bytes(content)))


def test_clutter_of_other_systems_is_passed_by_silently(files: dict[str, bytes]) -> None:
    own = read_zip(zipped({**files, "__MACOSX/mine/3/._a.png": b"x", "mine/3/.DS_Store": b"x", "mine/Thumbs.db": b"x"}))

    assert own.left_out == []


def test_more_pictures_than_the_limit_are_left_out(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_folder, "MAX_FILES", 5)

    own = read_zip(zipped(files))

    assert len(own.digits) == 5
    assert [file.reason for file in own.left_out] == ["over the limit of 5 pictures"] * 3


def test_pictures_over_the_budget_of_pixels_are_left_out_and_small_ones_after_them_read(
    files: dict[str, bytes], mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = png(mnist[1], 0, size=(400, 550))
    monkeypatch.setattr(labelled_folder, "MAX_TOTAL_PIXELS", 1_000_000)

    own = read_uploads([(f"7/large-{i}.png", large) for i in range(10)] + list(files.items()))

    assert own.names == [*(f"7/large-{i}.png" for i in range(4)), *files]  # 4 × 220,000 + 8 × 12,000
    assert {file.reason for file in own.left_out} == {"over 1 million pixels in all"}


def overlapping(content: bytes, count: int, shift: int = 0) -> io.BytesIO:
    """A zip whose entries are all the same bytes of it; with a shift, each begins so many bytes after the last."""
    file = zipped({"7/0.png": content}, zipfile.ZIP_STORED)
    archive = bytearray(file.getvalue())
    directory = archive.index(b"PK\x01\x02")
    end = archive.index(b"PK\x05\x06")
    entry = archive[directory:end]
    entries = bytearray()
    for number in range(count):
        entry[42:46] = (number * shift).to_bytes(4, "little")  # where its local header is said to be
        entries += entry
    tail = archive[end:]
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = len(entries).to_bytes(4, "little")
    return io.BytesIO(bytes(archive[:directory] + entries + tail))


@pytest.mark.parametrize("shift", [0, 10])
def test_zip_whose_entries_overlap_is_refused(files: dict[str, bytes], shift: int) -> None:
    with pytest.raises(DataError, match="entries of the zip overlap"):
        read_zip(overlapping(files["mine/7/0.png"], 5_000, shift))


def test_zip_of_very_many_entries_is_refused() -> None:
    with pytest.raises(DataError, match="the zip has 20,001 entries; at most 20,000"):
        read_zip(zipped({f"{i}": b"" for i in range(20_001)}, zipfile.ZIP_STORED))


def test_files_that_fail_use_up_the_budget_of_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def read(name: str) -> bytes:
        tried.append(name)
        raise ImageError("it is damaged in the zip")

    monkeypatch.setattr(labelled_folder, "MAX_TOTAL_BYTES", 1_000)
    files = [PictureFile(f"3/{i}.png", 300, partial(read, f"3/{i}.png")) for i in range(10)]

    with pytest.raises(DataError):
        read_pictures(files)

    assert tried == ["3/0.png", "3/1.png", "3/2.png"]


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 and then nothing"])
def test_file_that_is_no_zip_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(DataError, match="zip cannot be read"):
        read_zip(io.BytesIO(content))


def test_empty_folder_says_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no picture in it; put pictures into sub-folders called 0 to 9"):
        read_folder(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_folder(tmp_path / "missing")
    with pytest.raises(DataError, match="no picture in it"):
        read_zip(zipped({}))


def test_folder_with_nothing_usable_names_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(DataError, match=r"none of its 1 files can be used \(notes\.txt: it lies in no folder"):
        read_folder(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="making links needs rights there")
def test_links_out_of_the_folder_are_not_followed(files: dict[str, bytes], tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(files["mine/2/1.png"])
    (tmp_path / "set" / "2").mkdir(parents=True)
    (tmp_path / "set" / "2" / "link.png").symlink_to(outside)

    with pytest.raises(DataError, match="no picture"):
        read_folder(tmp_path / "set")
