"""Before Start: the settings in groups, and what they will cost on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import psutil
import streamlit as st

from vgg_demo.budget import estimate_memory, estimate_seconds, format_bytes, format_duration
from vgg_demo.config import PLANS, RunConfig
from vgg_demo.errors import ConfigError
from vgg_demo.ui import resources
from vgg_demo.ui.text import _

LESSON_SECONDS = 600.0
KEPT: Literal["session"] = "session"  # values stay while another preset is looked at
NETWORK = ("plan", "width", "image_size", "batch_norm", "init")
DATA = ("batch_size", "epochs", "augment", "validation_images", "seed")
OPTIMISER = ("optimizer", "learning_rate", "schedule", "weight_decay")


def show_settings(preset: RunConfig) -> RunConfig | None:
    """Let the preset's settings be changed. Returns the config to start, or None when it makes no sense."""
    values = asdict(preset.model) | asdict(preset.train)
    with st.expander(_("Settings"), icon=":material/tune:", key="settings"):
        st.markdown(_("**Network**: how the image becomes ten answers."))
        for name in NETWORK:
            _field(name, values[name], preset.preset)
        st.markdown(_("**Data**: which images it sees, and how often."))
        for name in DATA:
            _field(name, values[name], preset.preset)
        st.markdown(_("**Optimiser**: how it learns from its mistakes."))
        for name in OPTIMISER:
            _field(name, values[name], preset.preset)
    try:
        return chosen_config(preset)
    except ConfigError as error:
        st.error(str(error))
        return None


def chosen_config(preset: RunConfig) -> RunConfig:
    """The preset with the settings as they stand in the fields now. Raises ConfigError when they make no sense."""
    state = st.session_state
    names = [*NETWORK, *DATA, *OPTIMISER, "steps"]
    return preset.with_changes(**{name: state.get(_key(name, preset.preset)) for name in names})


def show_budget(config: RunConfig, is_open: bool) -> bool:
    """What the training will cost here, in time and memory. Returns False when it cannot be started."""
    known = estimate_seconds(config) is not None
    if not known:
        resources.measuring().ask(config)
    st.fragment(_show_time, run_every=None if known or not is_open else 1.0)(config)
    needed, free = estimate_memory(config), psutil.virtual_memory().available
    if needed > free and config.train.device in ("auto", "cpu"):
        st.error(
            _(
                "This needs about {needed} of memory, and {free} are free here. Choose a smaller batch, image size or "
                "width."
            ).format(needed=format_bytes(needed), free=format_bytes(free))
        )
        return False
    return True


def reset_settings(preset: str) -> None:
    """Back to the preset's own settings."""
    for name in (*NETWORK, *DATA, *OPTIMISER, "steps"):
        resources.forget(_key(name, preset))


def fill_settings(config: RunConfig) -> None:
    """Set the fields to those of a run, so that a new one can be started from them."""
    values = asdict(config.model) | asdict(config.train)
    for name in (*NETWORK, *DATA, *OPTIMISER):
        st.session_state[_key(name, config.preset)] = values[name]
    st.session_state[_key("steps", config.preset)] = config.train.steps


def _show_time(config: RunConfig) -> None:
    parameters = _("{count:,} parameters").format(count=config.model.parameters)
    seconds = estimate_seconds(config)
    if seconds is None:
        st.caption(_("{parameters} · measuring how long it takes here …").format(parameters=parameters))
        return
    epoch = seconds / config.train.total_steps * config.train.steps_per_epoch
    memory = format_bytes(estimate_memory(config))
    st.caption(
        _("{parameters} · takes about **{duration}** here ({epoch} an epoch) · {memory} of memory").format(
            parameters=parameters, duration=format_duration(seconds), epoch=format_duration(epoch), memory=memory
        )
    )
    if seconds > LESSON_SECONDS:
        st.warning(
            _("About **{duration}** on this machine: longer than a lesson. These fit into ten minutes:").format(
                duration=format_duration(seconds)
            )
        )
        _offer_shorter(config, seconds)


def _offer_shorter(config: RunConfig, seconds: float) -> None:
    """The nearest settings that fit the lesson, a button each. What is not measured is scaled by the work it takes."""
    fitting = int(LESSON_SECONDS * 0.9 / (seconds / config.train.total_steps))
    if fitting >= 1:
        st.button(
            _("Only {count:,} steps").format(count=fitting), on_click=_set, args=(config.preset, {"steps": fitting})
        )
    small = {"image_size": 32, "width": min(config.model.width, 0.25)}
    if config.model.image_size > 32 or config.model.width > 0.25:
        st.button(_("Images of 32×32 and a quarter of the width"), on_click=_set, args=(config.preset, small))


def _set(preset: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        st.session_state[_key(name, preset)] = value


def _field(name: str, value: Any, preset: str) -> Any:
    """One setting with its field's name and a plain sentence. Remembered per preset."""
    key = _key(name, preset)
    st.session_state.setdefault(key, value)
    if name == "plan":
        return st.selectbox(
            _("Architecture"), list(PLANS), key=key, persist_state=KEPT, help=_("How many layers, in which blocks.")
        )
    if name == "width":
        return st.number_input(
            _("Width"),
            1 / 64,
            4.0,
            step=0.125,
            key=key,
            persist_state=KEPT,
            format="%.3f",
            help=_("Multiplies the channels of every layer."),
        )
    if name == "image_size":
        return st.number_input(
            _("Image size"), 8, 512, key=key, persist_state=KEPT, help=_("Pixels a side that digits are resized to.")
        )
    if name == "batch_norm":
        return st.toggle(
            _("Batch normalisation"),
            key=key,
            persist_state=KEPT,
            help=_("Brings every layer's output to the same scale, so that signals survive depth."),
        )
    if name == "init":
        return st.segmented_control(
            _("Initialisation"),
            ["pytorch", "he"],
            key=key,
            persist_state=KEPT,
            required=True,
            help=_("How weights begin: PyTorch's default, or He's, made for ReLU."),
        )
    if name == "optimizer":
        return st.selectbox(
            _("Optimiser"),
            ["adam", "adamw", "sgd"],
            key=key,
            persist_state=KEPT,
            help=_("The rule that changes the weights."),
        )
    if name == "learning_rate":
        return st.number_input(
            _("Learning rate"), 1e-6, 100.0, key=key, persist_state=KEPT, format="%g", help=_("How far each step goes.")
        )
    if name == "schedule":
        return st.segmented_control(
            _("Schedule"),
            ["constant", "one-cycle"],
            key=key,
            persist_state=KEPT,
            required=True,
            help=_("Whether the learning rate changes: up, then down to nothing."),
        )
    if name == "weight_decay":
        return st.number_input(
            _("Weight decay"), 0.0, 1.0, key=key, persist_state=KEPT, format="%g", help=_("Pulls weights towards zero.")
        )
    if name == "augment":
        return st.slider(
            _("Augmentation"),
            0.0,
            1.0,
            key=key,
            persist_state=KEPT,
            help=_("How strongly training images are distorted."),
        )
    labels = {
        "batch_size": (_("Batch size"), 1, 10_000, _("Images a step learns from.")),
        "epochs": (_("Epochs"), 1, 1000, _("How often it goes through all images.")),
        "validation_images": (_("Validation images"), 0, 30_000, _("Kept apart, to see how well it reads new digits.")),
        "seed": (_("Seed"), 0, 2**31 - 1, _("Decides the first weights and the order of the images.")),
    }
    label, low, high, help_text = labels[name]
    return st.number_input(label, low, high, key=key, persist_state=KEPT, help=help_text)


def _key(name: str, preset: str) -> str:
    return f"set-{preset}-{name}"
