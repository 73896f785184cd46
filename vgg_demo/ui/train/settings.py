"""Before Start: the settings in groups, and what they will cost on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import psutil
import streamlit as st

from vgg_demo.architecture import count_parameters
from vgg_demo.config import PLANS, RANGES, ModelConfig, RunConfig, TrainConfig
from vgg_demo.errors import ConfigError
from vgg_demo.presets import PRESETS
from vgg_demo.runs.cost import estimate_memory, estimate_seconds
from vgg_demo.text import _, format_bytes, format_duration, ngettext, plain
from vgg_demo.ui.shared import expander, resources

Field = Callable[..., None]  # draws a setting: its name, widget, label and help, and more of the widget's arguments
LESSON_SECONDS = 600.0
SETTINGS = [f.name for part in (ModelConfig, TrainConfig) for f in fields(part)]
# the states of measuring how long a training takes, with the seconds after which to look again: more beside a training
TICK_SECONDS = {"known": None, "unknown": None, "measured now": 1.0, "later": 10.0}


def show_settings(preset: RunConfig) -> RunConfig | None:
    """Let the preset's settings be changed. Returns the config to start, or None when it makes no sense."""
    values = asdict(preset.model) | asdict(preset.train)

    def field(name: str, widget: Callable[..., Any], label: str, help_text: str, **arguments: Any) -> None:
        key = _key(name, preset.preset)
        st.session_state.setdefault(key, values[name])
        if widget is st.slider:
            arguments["min_value"], arguments["max_value"] = RANGES[name]
        elif widget is st.number_input and not isinstance(values[name], float):
            arguments["step"] = 1  # a whole number; one out of range is refused below, where the reason can be read
        widget(label, key=key, persist_state=resources.KEPT, help=help_text, **arguments)

    with expander.kept(_("Settings"), ":material/tune:", "settings"):
        _show_network(field)
        _show_data(field, steps_decide=st.session_state.get(_key("steps", preset.preset), values["steps"]) is not None)
        _show_optimiser(field)
    try:
        config = chosen_config(preset)
    except ConfigError as error:
        st.error(plain(error))
        config = None
    if config != preset:
        show_changes(preset, config)
    return config


def show_changes(preset: RunConfig, config: RunConfig | None, is_fixed: bool = False) -> None:
    """What differs from the preset, also settings without a field, and the way back, unless they are fixed."""
    if config is not None:
        changes = ", ".join(f"{name} {value}" for name, value in config.changes_from(preset).items())
        st.caption(_("Other than in the preset: {changes}.").format(changes=changes))
    if not is_fixed:
        st.button(_("Back to the preset's settings"), on_click=reset_settings, args=(preset.preset,))


def chosen_config(preset: RunConfig) -> RunConfig:
    """The preset with the settings as they are now, those without a field, too. Raises ConfigError if unfit."""
    values = preset.to_dict()
    for part in (values["model"], values["train"]):
        part.update({name: st.session_state.get(_key(name, preset.preset), value) for name, value in part.items()})
    return RunConfig.from_dict(values)


def show_budget(config: RunConfig) -> bool:
    """What the training will cost here, in time and memory. Returns False when it cannot be started."""
    seconds = estimate_seconds(config)
    if seconds is None:
        resources.measuring().ask(config)
    state = _measurement_state(config, seconds)
    st.fragment(_show_time, run_every=TICK_SECONDS[state])(config, state)
    needed, free = estimate_memory(config), psutil.virtual_memory().available
    if needed > free and config.train.device in ("auto", "cpu"):
        text = _(
            "This needs about {needed} of memory, and {free} are free here. "
            "Choose a smaller batch, image size or width."
        )
        st.error(text.format(needed=format_bytes(needed), free=format_bytes(free)))
        return False
    return True


def reset_settings(preset: str) -> None:
    """Back to the preset's own settings."""
    resources.forget(*(_key(name, preset) for name in SETTINGS))


def fill_settings(config: RunConfig) -> None:
    """Choose the config's preset, or the one that is most like it when it has none, and set everything as in config."""
    preset = config.preset if config.preset in PRESETS else nearest_preset(config)
    st.session_state["preset"] = preset
    _set(preset, asdict(config.model) | asdict(config.train))


def nearest_preset(config: RunConfig) -> str:
    """The preset that differs from config in the fewest settings."""
    return min(PRESETS, key=lambda name: len(config.changes_from(PRESETS[name].config)))


def _measurement_state(config: RunConfig, seconds: float | None) -> str:
    """One of TICK_SECONDS. seconds: as estimate_seconds says."""
    if seconds is not None:
        return "known"
    if config in resources.measuring().unknown:
        return "unknown"
    return "later" if resources.is_busy() else "measured now"


def _show_time(config: RunConfig, state_before: str) -> None:
    parameters = _("{count:,} parameters").format(count=count_parameters(config.model))
    seconds = estimate_seconds(config)
    state = _measurement_state(config, seconds)
    if state != state_before:
        st.rerun()  # the whole page: ticks that show nothing new would take time from a training
    if seconds is None:
        texts = {
            "measured now": _("{parameters} · measuring how long it takes here …"),
            "later": _("{parameters} · how long it takes here is measured when nothing trains"),
            "unknown": _("{parameters} · how long it takes here could not be measured: {reason}"),
        }
        reason = resources.measuring().unknown.get(config, "")
        st.caption(texts[state].format(parameters=parameters, reason=plain(reason)))
        return
    duration, memory = format_duration(seconds), format_bytes(estimate_memory(config))
    epoch = format_duration(seconds / config.train.total_steps * config.train.steps_per_epoch)
    each = _(" ({epoch} an epoch)").format(epoch=epoch) if config.train.total_epochs > 1 else ""
    text = _("{parameters} · takes about **{duration}** here{each} · {memory} of memory")
    st.caption(text.format(parameters=parameters, duration=duration, each=each, memory=memory))
    if seconds > LESSON_SECONDS:
        text = _("About **{duration}** on this machine: longer than a lesson. These fit into ten minutes:")
        st.warning(text.format(duration=duration))
        _offer_shorter(config, seconds)


def _offer_shorter(config: RunConfig, seconds: float) -> None:
    """The nearest settings that fit the lesson, a button each. What is not measured is scaled by the work it takes."""
    fitting = int(LESSON_SECONDS * 0.9 / (seconds / config.train.total_steps))
    if fitting >= 1:
        label = ngettext("Only {count:,} step", "Only {count:,} steps", fitting)
        st.button(label.format(count=fitting), on_click=_set, args=(config.preset, {"steps": fitting}))
    model, mini = config.model, PRESETS["blog-mini"].config.model
    if model.image_size > mini.image_size or model.width > mini.width:
        small = {"image_size": min(model.image_size, mini.image_size), "width": min(model.width, mini.width)}
        if model.classifier == "mlp":  # it stays as it is
            small["classifier_width"] = model.hidden_width
        label = _("Images of {size}×{size} and {width:g} of the width")
        st.button(label.format(size=mini.image_size, width=mini.width), on_click=_set, args=(config.preset, small))


def _set(preset: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        st.session_state[_key(name, preset)] = value


def _show_network(field: Field) -> None:
    st.markdown(_("**Network**: how the image becomes ten answers."))
    field("plan", st.selectbox, _("Architecture"), _("How many layers, in which blocks."), options=list(PLANS))
    text = _("Multiplies the channels of every layer.")
    field("width", st.number_input, _("Width"), text, step=0.125, format="%.3f")
    text = _("Pixels a side that digits are resized to.")
    field("image_size", st.number_input, _("Image size"), text)
    text = _("Brings every layer's output to the same scale, so that signals survive depth.")
    field("batch_norm", st.toggle, _("Batch normalisation"), text)
    text = _("How much of a linear layer's input every step leaves out, so that no part relies on another.")
    field("dropout", st.slider, _("Dropout"), text)
    text = _("How weights begin: PyTorch's default, or He's, made for ReLU.")
    field("init", st.segmented_control, _("Initialisation"), text, options=["pytorch", "he"], required=True)


def _show_data(field: Field, steps_decide: bool) -> None:
    st.markdown(_("**Data**: which images it sees, and how often."))
    field("batch_size", st.number_input, _("Batch size"), _("Images a step learns from."))
    text = _("How often it goes through its training images.")
    field("epochs", st.number_input, _("Epochs"), text, disabled=steps_decide)
    text, empty = _("Batches in all, instead of epochs. Empty: the epochs decide."), _("as the epochs say")
    field("steps", st.number_input, _("Steps"), text, value=None, placeholder=empty)
    field("augment", st.slider, _("Augmentation"), _("How strongly training images are distorted."))
    text = _("How often digits look as other people draw them: a flag of a 1, a slash through a 0, a 4 in one stroke.")
    field("handwriting_styles", st.slider, _("Handwriting styles"), text)
    text = _("Kept apart, to see how well it reads new digits.")
    field("validation_images", st.number_input, _("Validation images"), text)
    text = _("Decides all that is left to chance: the first weights, the order of the images, distortions.")
    field("seed", st.number_input, _("Seed"), text)


def _show_optimiser(field: Field) -> None:
    st.markdown(_("**Optimiser**: how it learns from its mistakes."))
    text = _("The rule that changes the weights.")
    field("optimizer", st.selectbox, _("Optimiser"), text, options=["adam", "adamw", "sgd"])
    text = _("How far each step goes.")
    field("learning_rate", st.number_input, _("Learning rate"), text, format="%g")
    text = _("Whether the learning rate changes: up, then down to nearly nothing.")
    field("schedule", st.segmented_control, _("Schedule"), text, options=["constant", "one-cycle"], required=True)
    field("weight_decay", st.number_input, _("Weight decay"), _("Pulls weights towards zero."), format="%g")


def _key(name: str, preset: str) -> str:
    return f"set-{preset}-{name}"
