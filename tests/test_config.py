"""Settings: what is refused, what survives JSON, and the presets as the design describes them."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vgg_demo.config import ModelConfig, RunConfig, TrainConfig
from vgg_demo.errors import ConfigError
from vgg_demo.presets import PRESETS, get_preset

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def settings_that_differ(one: str, other: str) -> set[str]:
    a, b = asdict(PRESETS[one].config), asdict(PRESETS[other].config)
    return {f"{part}.{name}" for part in ("model", "train") for name in a[part] if a[part][name] != b[part][name]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan", "vgg17"),
        ("plan", ["vgg16"]),
        ("width", 0.0),
        ("width", 5.0),
        ("width", float("nan")),
        ("width", float("inf")),
        ("width", "1"),
        ("image_size", 513),
        ("image_size", 224.0),
        ("image_size", True),
        ("channels", 2),
        ("batch_norm", 1),
        ("classifier", "conv"),
        ("init", "xavier"),
        ("dropout", 1.0),
        ("classifier_width", 0.0),
    ],
)
def test_model_config_bad_value_raises_config_error_naming_it(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: ") as caught:
        ModelConfig(**{name: value})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.0),
        ("steps", 0),
        ("steps", True),
        ("batch_size", 0),
        ("batch_size", 10_001),
        ("optimizer", "lion"),
        ("learning_rate", 0.0),
        ("learning_rate", -0.1),
        ("learning_rate", float("inf")),
        ("learning_rate", float("nan")),
        ("learning_rate", None),
        ("weight_decay", -0.1),
        ("schedule", "cosine"),
        ("label_smoothing", 0.6),
        ("average_weights", 1.0),
        ("self_distillation", 1.1),
        ("self_distillation", 0.5),
        ("validation_images", 30_001),
        ("augment", 1.5),
        ("handwriting_styles", -0.1),
        ("seed", -1),
        ("precision", "16-mixed"),
    ],
)
def test_train_config_bad_value_raises_config_error_naming_it(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: ") as caught:
        TrainConfig(**{name: value})

    assert "\n" not in str(caught.value)


def test_model_config_integer_beyond_float_raises_config_error() -> None:
    with pytest.raises(ConfigError, match=r"^width: "):
        ModelConfig(width=10**400)


def test_model_config_whole_width_becomes_float() -> None:
    config = ModelConfig(width=1)

    assert type(config.width) is float


def test_model_config_changed_in_place_raises() -> None:
    config = ModelConfig()

    with pytest.raises(FrozenInstanceError):
        config.width = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("settings", "per_epoch", "steps", "epochs"),
    [
        ({"batch_size": 32, "validation_images": 0}, 1875, 1875, 1),  # 60,000 / 32
        ({"batch_size": 96, "epochs": 2}, 573, 1146, 2),  # 55,000 / 96 = 572.9
        ({"batch_size": 96, "epochs": 2, "steps": 10}, 573, 10, 1),
        ({"batch_size": 96, "steps": 574}, 573, 574, 2),
        ({"batch_size": 10_000, "validation_images": 30_000}, 3, 3, 1),
    ],
)
def test_train_config_steps_and_epochs_count_batches(
    settings: dict[str, Any], per_epoch: int, steps: int, epochs: int
) -> None:
    config = TrainConfig(**settings)

    assert (config.steps_per_epoch, config.total_steps, config.total_epochs) == (per_epoch, steps, epochs)


@pytest.mark.parametrize("name", PRESETS)
def test_run_config_through_json_comes_back_equal(name: str) -> None:
    config = PRESETS[name].config

    read_back = RunConfig.from_dict(json.loads(json.dumps(config.to_dict())))

    assert read_back == config


def test_run_config_from_dict_of_an_earlier_version_reads_former_names() -> None:
    config = RunConfig.from_dict({"train": {"restyle": 0.5}})

    assert config.train.handwriting_styles == 0.5
    assert "restyle" not in config.to_dict()["train"]


def test_run_config_from_empty_dict_takes_defaults() -> None:
    assert RunConfig.from_dict({}) == RunConfig()


@pytest.mark.parametrize("values", [None, [], "vgg16", {"model": 1}, {"speed": 1}, {"model": {"depth": 16}}])
def test_run_config_from_something_else_raises_config_error(values: object) -> None:
    with pytest.raises(ConfigError):
        RunConfig.from_dict(values)


@settings(deadline=None)
@given(
    section=st.sampled_from(["model", "train"]),
    values=st.dictionaries(
        st.sampled_from([*asdict(ModelConfig()), *asdict(TrainConfig())]), JSON_VALUES, min_size=1, max_size=3
    ),
)
def test_run_config_from_any_json_gives_a_config_or_config_error(section: str, values: dict[str, Any]) -> None:
    try:
        config = RunConfig.from_dict({section: values})
    except ConfigError:
        return

    assert values.items() <= config.to_dict()[section].items()


def test_with_changes_sets_both_parts_and_leaves_none_alone() -> None:
    config = RunConfig("custom", ModelConfig("vgg11"), TrainConfig(seed=1))

    changed = config.with_changes(width=0.5, learning_rate=0.1, seed=None)

    assert changed == RunConfig("custom", ModelConfig("vgg11", width=0.5), TrainConfig(seed=1, learning_rate=0.1))


def test_with_changes_unknown_setting_raises_config_error() -> None:
    with pytest.raises(ConfigError, match="momentum"):
        RunConfig().with_changes(momentum=0.9)


def test_changes_from_names_what_differs() -> None:
    config = RunConfig().with_changes(width=0.5, seed=3)

    assert config.changes_from(RunConfig()) == {"width": 0.5, "seed": 3}


def test_blog_preset_is_the_story_to_the_letter() -> None:
    config = asdict(get_preset("blog").config)

    assert config["model"] == {
        "plan": "vgg16",
        "width": 1.0,
        "image_size": 224,
        "channels": 3,
        "batch_norm": False,
        "classifier": "mlp",
        "init": "pytorch",
        "pool_first": False,
        "dropout": 0.0,
        "classifier_width": None,
    }
    story = {"epochs": 1, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.001, "validation_images": 0}
    plain = {"steps": None, "weight_decay": 0.0, "schedule": "constant", "label_smoothing": 0.0}
    plain |= {"augment": 0.0, "handwriting_styles": 0.0}
    assert (story | plain).items() <= config["train"].items()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (
            "blog-mini",
            "blog",
            {"model.width", "model.image_size", "model.classifier_width", "train.steps", "train.seed"},
        ),
        ("fixed-mini", "blog-mini", {"model.init"}),
        ("bn-mini", "blog-mini", {"model.batch_norm"}),
    ],
)
def test_preset_beside_its_pair_differs_in_nothing_else(one: str, other: str, expected: set[str]) -> None:
    assert settings_that_differ(one, other) == expected


def test_get_preset_unknown_name_raises_config_error_naming_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"classroom.*blog-mini.*best"):
        get_preset("vgg")


@pytest.mark.parametrize("name", PRESETS)
def test_preset_that_promises_an_accuracy_says_of_which_digits(name: str) -> None:
    purpose = PRESETS[name].purpose

    assert "%" not in purpose or re.search(r"\d %\)? of the (validation|test) digits", purpose)
