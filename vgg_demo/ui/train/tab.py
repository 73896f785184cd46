"""The Train tab: a preset, Start, the curve. Below, one step away each: the data, and all runs."""

from __future__ import annotations

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError
from vgg_demo.export.run_files import run_script
from vgg_demo.presets import DEFAULT_PRESET, PRESETS
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.store import Run, get_run, list_runs
from vgg_demo.text import _, plain, translate
from vgg_demo.ui.network import view
from vgg_demo.ui.shared import expander, identity, locks, pins, resources, source_code
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.train import (
    checks_view,
    class_training,
    data_view,
    lesson,
    live,
    runs_list,
    settings,
    settings_address,
    waiting,
)

# on a phone, where the columns are one below the other, the curve of the run in the address comes first
CURVE_FIRST = """<style>
@media (max-width: 640px) { [data-testid="stColumn"]:has(.st-key-start) { order: 1; } }
</style>"""


def show(is_open: bool) -> None:
    """Draw the tab, when it is open."""
    if not is_open:
        return
    if not locks.is_hidden("lesson"):
        lesson.show()
    run = shown_run()
    st.session_state["shown_run"] = run.name if run else ""
    controls, curve = st.columns([1, 2.2], gap="large")
    with controls:
        config = show_start()
    with curve:
        if run is None:
            st.markdown(
                _(
                    "A digit goes in at the grey end of this network, and which one it is comes out at the green end. "
                    "So far it guesses. Press **Start training**: the loss curve of this network appears here."
                )
            )
            view.show_picture(config.model, "first_network")
            batch = st.container()
        else:
            live.show(run)
    show_network(config, is_drawn=run is None)
    data_view.show(config)
    class_training.show()
    show_code(config)
    runs_list.show(run)
    show_teacher_corner()
    if not locks.is_hidden("lesson"):
        lesson.show_way_back()
    if "run" in st.query_params:
        st.html(CURVE_FIRST)
    if run is None:
        with batch:  # last: the digits are loaded when everything else is there
            data_view.show_batch(config)


def show_network(config: RunConfig, is_drawn: bool) -> None:
    """A closed expander: the network that is going to be trained. is_drawn: its picture is on the page already."""
    title = _("Look at the network")
    with expander.kept(title, ":material/view_in_ar:", "network_view") as is_open:
        if is_open:
            if not is_drawn:
                view.show_picture(config.model, "train_network")
            view.show_layers(config.model, "train_network")


def show_teacher_corner() -> None:
    """A closed expander, where there is a teacher's code."""
    if identity.teacher_code() is not None:
        with expander.kept(_("For the teacher"), ":material/school:", "teacher_corner"):
            identity.show_teacher_access()


def show_code(config: RunConfig) -> None:
    """A closed expander: the code that trains, and all of it as one script."""
    with expander.kept(_("Show the code"), ":material/code:", "train_code") as is_open:
        if is_open:
            source_code.show(source_code.TRAIN)
            st.markdown(_("**The same as one script**, for these settings, with PyTorch alone"))
            st.code(run_script(config, Curve()), language="python", wrap_lines=True)


def show_start() -> RunConfig:
    """Choose a preset, change its settings, see what it costs, start.

    Returns what is going to be trained; the preset itself while its settings make no sense.
    """
    settings_address.take_settings()
    name = pick_preset()
    preset = PRESETS[name]
    purpose = translate(preset.purpose)
    st.markdown(f"**{purpose[:1].upper()}{purpose[1:]}.** {translate(preset.what)}")
    config: RunConfig | None
    start = st.container()
    if locks.is_hidden("settings"):
        config = fixed_config(name)
        if config != preset.config:
            settings.show_changes(preset.config, config, is_fixed=True)
    else:
        config = settings.show_settings(preset.config)
    settings_address.write_settings(name, config)
    with start:
        fits = config is not None and settings.show_budget(config)
        own = identity.own_active_run()
        st.button(
            _("Start training"),
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(name,),
            disabled=not fits or own is not None,
            width="stretch",
            key="start",
        )
        if own is not None:
            run, status = own
            waits = _("Your training **{name}** waits for its turn; it can be withdrawn.")
            trains = _("Your training **{name}** is going on; it can be stopped beside its curve.")
            st.caption((waits if status.state == "queued" else trains).format(name=plain(run.name)))
        else:
            pins.show_kept("next_pins")
        waiting.show_problem()
        show_error("train_error")
        checks_view.show(config)
    return config or preset.config


def pick_preset() -> str:
    """The preset's name: chosen in a box, or in a line where the teacher or the link has chosen."""
    if fixed := locks.class_preset():
        st.session_state["preset"] = fixed
    name: str = st.session_state.get("preset", DEFAULT_PRESET)
    if fixed or locks.is_hidden("presets"):
        st.markdown(_("Preset: **{name}**").format(name=plain(name)))
        return name
    return st.selectbox(
        _("Preset"),
        list(PRESETS),
        index=list(PRESETS).index(name),  # as in pick_checkpoint
        key="preset",
        persist_state=resources.KEPT,
        help=_("A preset is a network and all settings of its training, under one name."),
    )


def fixed_config(name: str) -> RunConfig:
    """What is trained: the preset with the settings of the fields or the link, or alone where the teacher hides them.

    Raises ConfigError when the settings make no sense.
    """
    config = PRESETS[name].config
    return config if "settings" in locks.of_class() else settings.chosen_config(config)


def shown_run() -> Run | None:
    """The run that the address names, else the one that is going on, else the newest, else None."""
    name = st.query_params.get("run")
    if name:
        try:
            return get_run(name)
        except RunError:
            del st.query_params["run"]
            st.session_state["run_gone"] = True
    if st.session_state.pop("run_gone", False):
        st.toast(_("There is no such run here: it may have been deleted or renamed."), icon=":material/info:")
    runs = list_runs()
    return next((run for run in runs if run.is_active), runs[0] if runs else None)


def _start(name: str) -> None:
    if own := identity.own_active_run():  # a second click was quicker than the page
        st.query_params["run"] = own[0].name
        return
    with keep_error("train_error"):
        config = fixed_config(name)  # as the fields are now, also those changed with this very click
        st.query_params["run"] = queue_run(config, identity.owner(), pins.kept()).name
