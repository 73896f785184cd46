"""The settings that differ from the preset's, in the page's address: they survive a reload, and make a link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, get_args

import streamlit as st

from vgg_demo.config import FORMER_NAMES, ModelConfig, RunConfig, TrainConfig, current_names
from vgg_demo.errors import ConfigError
from vgg_demo.presets import DEFAULT_PRESET, PRESETS, get_preset
from vgg_demo.schema import field_types
from vgg_demo.text import N_, _
from vgg_demo.ui.train import settings

KINDS: dict[str, Any] = field_types(ModelConfig) | field_types(TrainConfig)  # of each setting's value
READERS: dict[type, Callable[[str], Any]] = {bool: {"true": True, "false": False}.__getitem__, int: int, float: float}
LONGEST = 40  # characters of a value


def take_settings() -> None:
    """Once a session: set the fields to what the address asks for. What makes no sense is left out with a sentence."""
    if st.session_state.get("address_taken"):
        return
    st.session_state["address_taken"] = True
    if config := asked_config():
        settings.fill_settings(config)


def asked() -> dict[str, str]:
    """What the address says of settings, under their names of today."""
    given = current_names(st.query_params)
    return {name: given[name] for name in ("preset", *KINDS) if name in given}


def asked_config() -> RunConfig | None:
    """What the address asks for, None for nothing. What makes no sense is left out with a sentence."""
    try:
        return config_of(given) if (given := asked()) else None
    except ConfigError:  # its words may quote the address, which may come from another person
        st.toast(_("The address asks for settings that make no sense; the preset's own are used."))
        return None


def write_settings(preset: str, config: RunConfig | None) -> None:
    """Let the address ask for this config; None, which makes no sense, leaves the address as it is."""
    if config is None:
        return
    wanted = address_of(preset, config)
    for name in ("preset", *KINDS, *FORMER_NAMES):
        if name not in wanted and name in st.query_params:
            del st.query_params[name]
    if any(st.query_params.get(name) != text for name, text in wanted.items()):
        st.query_params.update(wanted)


def address_of(preset: str, config: RunConfig) -> dict[str, str]:
    """The parameters that ask for this config: nothing for the default preset as it is."""
    changes = {name: _as_text(value) for name, value in config.changes_from(PRESETS[preset].config).items()}
    return changes if preset == DEFAULT_PRESET else {"preset": preset, **changes}


def config_of(parameters: dict[str, str]) -> RunConfig:
    """What the parameters ask for. Raises ConfigError when there is no such preset or a setting makes no sense."""
    preset = get_preset(parameters.get("preset", DEFAULT_PRESET)).config
    values = asdict(preset)
    for name, text in parameters.items():
        if name != "preset":
            values["model" if name in values["model"] else "train"][name] = _from_text(name, text)
    return RunConfig.from_dict(values)


def _as_text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _from_text(name: str, text: str) -> Any:
    """The value that _as_text wrote. Raises ConfigError when it is no value of this setting's kind."""
    kinds = get_args(KINDS[name]) or (KINDS[name],)  # of a Literal, its texts
    if text == "" and type(None) in kinds:
        return None
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        return next((read(text) for kind, read in READERS.items() if kind in kinds), text)
    except (ValueError, KeyError) as error:
        raise ConfigError(N_("{name}: the text in the address is no value of it"), name=name) from error
