"""The Draw tab's states, without a browser: a picture takes the canvas's place."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from tests.helpers import run_of_new_network
from vgg_demo.analysis import explain
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.data import Digits
from vgg_demo.drawing import predict
from vgg_demo.drawing.mnist_form import prepare_digit
from vgg_demo.drawing.predict import Reading
from vgg_demo.evaluation import predict_probabilities
from vgg_demo.presets import get_preset
from vgg_demo.runs.checkpoints import find_checkpoint
from vgg_demo.ui.draw import charts
from vgg_demo.ui.draw.preprocessing import tensor_in_words
from vgg_demo.ui.shared import pictures

SECTIONS = ("preprocessing", "feature_maps", "attribution", "logits", "compare")
NETWORKS = {
    "grey": get_preset("classroom").config.with_changes(width=0.05),
    "coloured": get_preset("blog-mini").config.with_changes(width=1 / 32),
    "large": get_preset("blog").config.with_changes(width=1 / 64),
}


@pytest.fixture
def app(app: AppTest) -> AppTest:
    app.query_params["tab"] = "Draw"
    return app


@pytest.fixture
def seven(mnist: tuple[Digits, Digits]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first test digit, a 7: uint8 (28, 28)."""
    return mnist[1].images[0, 0].numpy()


def texts(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.error, *app.get("html")]
    return "\n".join(str(part.value) for part in parts)


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def picture(kind: str, mode: str = "RGB", background: str = "white", ink: str = "black") -> bytes:
    """A one, as a picture file."""
    image = Image.new("RGB", (300, 400), background)
    ImageDraw.Draw(image).line([(150, 60), (150, 340)], fill=ink, width=40)
    file = io.BytesIO()
    image.convert(mode).save(file, kind)
    return file.getvalue()


def fake_readings(*can_tell: bool) -> list[Reading]:
    """Readings of 2, 0, 2, 6, …, each as sure as it says."""
    prepared = prepare_digit(np.asarray(Image.open(io.BytesIO(picture("PNG")))))
    found = []
    for place, can in enumerate(can_tell):
        logits = [0.0] * 10
        logits[(2, 0, 2, 6)[place]] = 5.0 + place
        found.append(Reading(prepared, logits, torch.tensor(logits).softmax(0).tolist(), can))
    return found


def test_draw_tab_without_a_picture_says_it_is_empty_and_offers_nothing_to_look_into(app: AppTest) -> None:
    app.run()

    assert not app.exception
    assert "The canvas is empty" in texts(app)
    assert "The answer" not in texts(app)
    assert "draw_section" not in [group.key for group in app.button_group]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_section_of_every_kind_of_network_is_shown(app: AppTest, seven: Any, name: str) -> None:
    run_of_new_network(NETWORKS[name])
    app.session_state["draw_image"] = seven
    app.session_state["draw_image_caption"] = "test image 0"
    app.session_state["draw_checkpoint"] = "mine"
    app.session_state["draw_story"] = True
    model = NETWORKS[name].model
    size = f"1×{model.channels}×{model.image_size}×{model.image_size}"
    wanted = {
        "preprocessing": rf"The tensor: {size} .*the story",
        "feature_maps": r"Block 1, convolution 1[^:]*: \d+ maps? of .*Block 3, convolution",
        "attribution": r"What speaks for \d, the answer.*What speaks for \d",
        "logits": r"\*\*Logits\*\*",
        "compare": r"moves its logits .*moves its logits",
    }
    app.run()

    for section in SECTIONS:
        app.session_state["draw_section"] = section
        app.run()

        assert not app.exception
        assert not app.error
        assert re.search(wanted[section], texts(app) + str([t.value for t in app.table]), re.DOTALL), section
        images = re.findall("<img [^>]*>", texts(app))
        assert len(images) >= 2
        assert all(re.search(r'alt="[^"]{10,}"', image) for image in images)


def test_sections_that_are_closed_compute_nothing(app: AppTest, seven: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("feature_maps", "class_activation", "occlusion", "plain_resize", "probabilities_at", "logit_change"):
        monkeypatch.setattr(explain, name, None)  # calling it would be an error
    app.session_state["draw_image"] = seven

    app.run()

    assert not app.exception
    assert 'aria-label="The answer: 7"' in texts(app)


def test_layers_to_look_at_are_listed_with_the_size_of_their_maps(app: AppTest, seven: Any) -> None:
    app.session_state["draw_image"] = seven
    app.session_state["draw_section"] = "attribution"
    app.run()

    network, _header = load_checkpoint(find_checkpoint("best"))
    sides = [maps.maps.shape[-1] for maps in explain.feature_maps(network, torch.from_numpy(seven)[None, None])]
    options = next(box for box in app.selectbox if box.label == "At this layer").options
    assert [option.split(", ")[-1] for option in options] == [f"{side}×{side}" for side in sides]


def test_occlusion_asked_for_is_shown_and_said(app: AppTest, seven: Any) -> None:
    app.session_state["draw_image"] = seven
    app.session_state["draw_section"] = "attribution"
    app.run()
    assert "Hiding a part costs" not in texts(app)

    button(app, "Hide every part in turn").click().run()

    deadline = time.monotonic() + 60
    while "Hiding a part costs" not in texts(app):
        assert time.monotonic() < deadline
        app.run()
    assert not app.exception


def test_answer_that_cannot_be_told_says_so_and_gives_no_big_digit(
    app: AppTest, seven: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "read_drawing", lambda network, pixels: fake_readings(False))
    app.session_state["draw_image"] = seven

    app.run()

    assert not app.exception
    assert "I can't tell" in texts(app)
    assert "If it must be one: 2" in texts(app)
    assert 'class="answer-digit"' not in texts(app)


def test_several_digits_are_shown_in_order_and_the_chosen_one_is_looked_into(
    app: AppTest, seven: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "read_drawing", lambda network, pixels: fake_readings(True, True, False, True))
    app.session_state["draw_image"] = seven
    app.session_state["draw_section"] = "logits"

    app.run()

    assert 'aria-label="The answer: 20?6"' in texts(app)
    group = app.button_group(key="draw_chosen-4")
    assert [option.content for option in group.proto.options] == [
        "1: 2, 94 %",
        "2: 0, 98 %",
        "3: can't tell",
        "4: 6, 100 %",
    ]
    assert descriptions(app)["bars"].startswith("Probabilities: 2: 94.3 %")
    group.set_value(1).run()
    assert descriptions(app)["bars"].startswith("Probabilities: 0: 97.8 %")
    assert descriptions(app)["draw_logits"].startswith("Logits, the highest first: 0: 6.00")


def descriptions(app: AppTest) -> dict[str, str]:
    """The charts' descriptions by key."""
    return {re.sub(r".*-", "", chart.proto.id): chart.proto.alt for chart in app.get("echarts_chart")}


def test_test_digit_is_read_and_its_true_label_shown(
    app: AppTest, mnist: tuple[Digits, Digits], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = 3
    monkeypatch.setattr("random.randrange", lambda count: wrong)
    app.session_state["draw_ways"] = True
    app.session_state["draw_way"] = "test"
    app.run()

    button(app, "Show a random test digit").click().run()

    label = int(mnist[1].labels[wrong])
    network, _header = load_checkpoint(find_checkpoint("best"))
    answer = int(predict_probabilities(network, mnist[1].images[wrong : wrong + 1]).argmax())
    assert answer == label
    assert f"True label: **{label}** · ✓ read right" in texts(app)
    assert "test image 3" in texts(app)
    button(app, "Back to the canvas").click().run()
    assert "The canvas is empty" in texts(app)
    assert "True label" not in texts(app)


GOOD = {
    "a.png": picture("PNG"),
    "b.jpg": picture("JPEG"),
    "c.gif": picture("GIF", "P"),
    "d.bmp": picture("BMP", "1"),
    "e.webp": picture("WEBP", background="navy", ink="yellow"),
    "f.tif": picture("TIFF", "CMYK"),
    "<b>g</b>.png": picture("PNG", "LA"),
}
BAD = {
    "empty.png": b"",
    "text.png": b"no picture",
    "cut.png": picture("PNG")[:200],
    "cut.jpg": picture("JPEG")[:300],
    "page.jpg": b"<svg onload=alert(1)>",
    "huge.png": picture("PNG")[:16] + (60_000).to_bytes(4, "big") * 2 + picture("PNG")[24:],  # 3.6 thousand million
}


def test_files_uploaded_are_read_or_refused_in_a_sentence_without_a_traceback(app: AppTest) -> None:
    app.session_state["draw_ways"] = True
    app.run()

    for name, content in {**GOOD, **BAD}.items():
        app.file_uploader[0].set_value((name, content, "image/png")).run()

        assert not app.exception, name
        errors = [error.value for error in app.error]
        if name in GOOD:
            assert errors == []
            assert 'aria-label="The answer: 1"' in texts(app), name
            assert "<b>" not in re.sub("<style>.*?</style>", "", texts(app), flags=re.DOTALL), name
        else:
            assert len(errors) == 1, name
            assert errors[0].startswith(f"{name}: ")
            assert "The canvas is empty" in texts(app)


def test_probability_bars_show_one_decimal_as_the_answer_does() -> None:
    spec = charts.probability_bars([0.9829, 0.0171, *[0.0] * 8])

    assert [bar["value"] for bar in spec["series"][0]["data"][:2]] == [98.3, 1.7]


def test_image_sent_from_evaluate_has_its_true_label_and_what_evaluate_showed(
    app: AppTest, seven: np.ndarray[Any, np.dtype[np.uint8]]
) -> None:
    values = {"draw_image": seven, "draw_image_label": 1, "draw_image_answer": "7, 95.2 % sure"}
    for key, value in values.items():
        app.session_state[key] = value

    app.run()

    assert not app.exception
    assert "True label: **1** · ✗ misread" in texts(app)
    assert "In Evaluate: 7, 95.2 % sure. There the network sees the image as it is" in texts(app)


def test_picture_without_ink_uploaded_says_that_there_is_nothing_on_it(app: AppTest) -> None:
    app.session_state["draw_ways"] = True
    app.run()

    app.file_uploader[0].set_value(("grey.png", picture("PNG", background="grey", ink="grey"), "image/png")).run()

    assert not app.exception
    assert "There is nothing on this picture" in texts(app)
    assert "The answer" not in texts(app)


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_transparency_uploaded_is_read_and_shown_on_its_paper(app: AppTest, ink: int) -> None:
    opacity = Image.new("L", (300, 400))
    ImageDraw.Draw(opacity).line([(150, 60), (150, 340)], fill=255, width=40)
    file = io.BytesIO()
    Image.merge("LA", [Image.new("L", opacity.size, ink), opacity]).save(file, "PNG")
    app.session_state["draw_ways"] = True
    app.run()

    app.file_uploader[0].set_value(("transparent.png", file.getvalue(), "image/png")).run()

    assert 'aria-label="The answer: 1"' in texts(app)
    shown = app.session_state["draw_image"]
    assert shown.shape == (400, 300, 3)
    assert (shown[0, 0] == 255 - ink).all()


def test_large_picture_uploaded_is_read_as_on_the_command_line(app: AppTest) -> None:
    image = Image.new("1", (9000, 9000), 1)  # 81 million pixels
    ImageDraw.Draw(image).line([(4500, 1500), (4500, 7500)], fill=0, width=900)
    file = io.BytesIO()
    image.save(file, "PNG")
    app.session_state["draw_ways"] = True
    app.run()

    app.file_uploader[0].set_value(("large.png", file.getvalue(), "image/png")).run()

    assert not app.error
    assert 'aria-label="The answer: 1"' in texts(app)


def test_camera_is_mounted_only_when_asked_for(app: AppTest) -> None:
    app.session_state["draw_ways"] = True
    app.run()
    assert not app.camera_input

    app.button_group(key="draw_way").set_value("camera").run()
    app.camera_input[0].set_value(("photo.jpg", picture("JPEG"), "image/jpeg")).run()

    assert 'aria-label="The answer: 1"' in texts(app)
    assert "your photograph" in texts(app)


def test_heat_is_orange_above_zero_and_blue_below_and_leaves_the_rest_grey() -> None:
    heat = torch.zeros(28, 28)
    heat[3, 4], heat[5, 6] = 1.0, -1.0

    red, _green, blue = np.moveaxis(pictures.heat_over(np.full((28, 28), 200, np.uint8), heat).astype(int), 2, 0)

    assert red[3, 4] > blue[3, 4] + 60
    assert blue[5, 6] > red[5, 6] + 60
    assert red[0, 0] == blue[0, 0] > 100


def test_mosaic_keeps_every_map_in_its_place() -> None:
    maps = torch.zeros(3, 2, 2)
    maps[1], maps[2, 1, 1] = 1.0, 0.5

    picture = pictures.mosaic(maps, columns=2)

    assert picture[0, 2].tolist() == list(pictures.GAP)
    gap = pictures.GAP[0]
    assert picture[..., 0].tolist() == [
        [0, 0, gap, 255, 255],
        [0, 0, gap, 255, 255],
        [gap] * 5,
        [0, 0, gap, gap, gap],
        [0, 128, gap, gap, gap],
    ]


@pytest.mark.parametrize(("row", "column", "words"), [(2, 3, "upper left"), (14, 14, "middle"), (27, 14, "bottom")])
def test_strongest_place_is_said_in_words(row: int, column: int, words: str) -> None:
    heat = torch.zeros(28, 28)
    heat[row, column] = 1

    assert pictures.strongest_place(heat) == words


def test_tensor_is_described_by_size_channels_and_range() -> None:
    text = tensor_in_words(torch.tensor([-1.0, 0.5, 0.25, 0.0]).view(1, 1, 2, 2).expand(1, 3, 2, 2))

    assert text == "The tensor: 1×3×2×2 (three times the same grey), from -1.00 to 0.50"


def test_bars_of_an_answer_that_cannot_be_told_highlight_none() -> None:
    probabilities = [0.91, *[0.01] * 9]

    colours = [
        {item["itemStyle"]["color"] for item in charts.probability_bars(probabilities, can_tell)["series"][0]["data"]}
        for can_tell in (True, False)
    ]

    assert len(colours[0]) == 2
    assert len(colours[1]) == 1
