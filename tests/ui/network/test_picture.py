"""The picture of the network: its slabs, and how bright a measured figure makes them."""

from __future__ import annotations

import math

import pytest
from streamlit.testing.v1 import AppTest

from vgg_demo.config import ModelConfig
from vgg_demo.model import VGG
from vgg_demo.presets import PRESETS, get_preset
from vgg_demo.ui.network.picture import stations_of, tone, tones
from vgg_demo.ui.network.view import printed


@pytest.mark.parametrize(("plan", "convolutions", "pools"), [("vgg4", 3, 3), ("vgg16", 13, 5), ("vgg19", 16, 5)])
def test_stations_are_the_convolutions_pools_and_linear_layers(plan: str, convolutions: int, pools: int) -> None:
    kinds = [station.layer.kind for station in stations_of(ModelConfig(plan, batch_norm=True, dropout=0.1))]

    assert (kinds.count("conv"), kinds.count("pool"), kinds.count("linear")) == (convolutions, pools, 3)
    assert len(kinds) == convolutions + pools + 3


def test_stations_of_vgg16_count_blocks_and_convolutions_as_the_paper_does() -> None:
    stations = stations_of(get_preset("blog").config.model)

    blocks = [(s.block, s.number) for s in stations if s.layer.kind == "conv"]

    assert blocks == [(1, 1), (1, 2), (2, 1), (2, 2)] + [(b, n) for b in (3, 4, 5) for n in (1, 2, 3)]
    assert [after.kind for after in stations[0].followers] == ["relu"]
    assert stations[0].title == "Block 1, convolution 1: 64 channels of 224×224"


@pytest.mark.parametrize("count", [1, 15, 17])
def test_figures_of_another_network_are_not_shown(count: int) -> None:
    stations = stations_of(get_preset("blog").config.model)

    assert tones(stations, [0.5] * count) == [None] * len(stations)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [(1.0, 1.0), (7.0, 1.0), (1e-10, 0.0), (0.0, 0.0), (math.nan, 0.0), (1e-5, 0.5), (0.1, 0.9)],
)
def test_tone_is_logarithmic_from_1e_10_to_1(figure: float, expected: float) -> None:
    assert tone(figure) == pytest.approx(expected)


def test_signal_that_fades_darkens_the_slabs_from_left_to_right_and_pools_with_them() -> None:
    stations = stations_of(get_preset("blog-mini").config.model)

    bright = tones(stations, [0.4**layer for layer in range(16)])

    assert bright == sorted(bright, key=lambda tone: -(tone or 0))
    assert bright[2] == bright[1]  # the first pool
    assert tones(stations, []) == [None] * len(stations)


@pytest.mark.parametrize("name", PRESETS)
def test_printed_network_is_what_pytorch_prints(name: str) -> None:
    import torch

    model = get_preset(name).config.model

    with torch.device("meta"):
        assert printed(model) == str(VGG(model))


def test_first_page_shows_the_network_and_a_batch_of_digits(app: AppTest) -> None:
    app.run()

    assert not app.exception
    assert any("Press **Start training**" in markdown.value for markdown in app.markdown)
    assert any("The first digits that it will see" in caption.value for caption in app.caption)


def test_table_of_the_story_adds_up_and_names_its_largest_layer(app: AppTest) -> None:
    app.session_state["preset"] = "blog"
    app.session_state["network_view"] = True
    app.run()

    table = app.dataframe[0].value

    assert sum(int(count.replace(",", "")) for count in table["parameters"]) == 121_586_242
    text = next(markdown.value for markdown in app.markdown if "In all" in markdown.value)
    assert "121,586,242 parameters" in text
    assert "85 % of the parameters sit in one layer, `classifier.0`." in text
