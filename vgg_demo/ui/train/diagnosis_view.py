"""Under the curve: whether the network learns and if not, why; its layers; one change at a time."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import pandas as pd
import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.diagnosis.records import Diagnosis
from vgg_demo.diagnosis.verdict import HIGH_SENTENCES, SENTENCES, Finding, Verdict
from vgg_demo.errors import RunError
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.queue import readable
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, get_run
from vgg_demo.text import _, fill, percent, plain, translate
from vgg_demo.ui.network import view
from vgg_demo.ui.shared import expander, identity, pins, resources
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.train import diagnosis_charts, lesson_place, story_view
from vgg_demo.ui.train.feed_question import MOST_OVERLAID

FEWER_LAYERS = {
    "vgg19": "vgg11",
    "vgg16": "vgg11",
    "vgg13": "vgg11",
    "vgg11": "vgg7",
    "vgg7": "vgg5",
    "vgg5": "vgg4",
    "vgg5-slim": "vgg4",
}


def show(run: Run, config: RunConfig, status: Status, curve: Curve) -> bool:
    """Draw it for one run. A run that learns gets one closed expander and no words.
    Nor does one that does not learn while the lesson asks why.

    Returns whether it shows figures that change while the run goes on.
    """
    if st.session_state.pop("page_changed", False):
        st.rerun()  # a button in here has opened another run: the whole page has to know
    verdict = curve.verdict
    if verdict is None:
        return False
    is_told = not verdict.is_healthy and not lesson_place.is_asking()
    with st.container(key="diagnosis"):
        story_view.show(run, config, status, curve)
        if is_told:
            show_verdict(verdict)
        elif not verdict.is_healthy:
            st.caption(_("The lesson asks for the cause; what the page finds is shown from its step 4 on."))
        title = _("Inside the network: signal, gradient and answers")
        key = f"inside-{status.identity}-{is_told}"
        with expander.kept(title, ":material/network_intelligence:", key, is_open=is_told) as is_open:
            if is_open:
                show_layers(run, config, curve)
        if not verdict.is_healthy and not is_told:
            return is_open
        show_error("change_error")
        base = base_of(run)
        if base is not None or not verdict.is_healthy:
            show_changes(base or run)
        if base is not None:
            show_tried(base)
    return is_open or base is not None


def show_verdict(verdict: Verdict) -> None:
    """The first cause in bold, and what else holds."""
    first, *others = verdict.findings
    st.warning(f"**{sentence(first)}**", icon=":material/troubleshoot:")
    for finding in others:
        st.caption(_("Found, too: {sentence}").format(sentence=sentence(finding)))


def sentence(finding: Finding) -> str:
    """A finding in the page's language."""
    evidence = {name: plain(value) if isinstance(value, str) else value for name, value in finding.evidence.items()}
    what = fill(translate(HIGH_SENTENCES[finding.detail]), **evidence) if finding.detail else ""
    return fill(translate(SENTENCES[finding.kind]), **evidence, what=what)


def show_lit(config: RunConfig, diagnosis: Diagnosis) -> None:
    """The network's picture, as bright as the signal or the gradient in each layer."""
    figures = {"signal": _("Signal"), "gradient": _("Gradient")}
    title = _("Brightness of the layers")
    chosen = st.segmented_control(
        title, list(figures), format_func=figures.__getitem__, default="signal", key="lit_by", required=True
    )
    values = [layer.gradient if chosen == "gradient" else layer.signal for layer in diagnosis.layers]
    view.show_picture(config.model, "lit_network", values)


def show_layers(run: Run, config: RunConfig, curve: Curve) -> None:
    """The charts, for this run and those that are laid over it."""
    first, now = curve.diagnoses[0], curve.diagnoses[-1]
    others = overlaid(run)
    show_lit(config, now)
    left, right = st.columns(2)
    with left:
        st.markdown(_("**Signal** through the layers: how much two images differ there"))
        spec = diagnosis_charts.signal_through_layers(run.name, first, now, others)
        st.echarts_chart(spec, height=280, key="signal-chart", alt=diagnosis_charts.signal_in_words(now))
    with right:
        st.markdown(_("**Gradient** through the layers, as a share of the weights"))
        spec = diagnosis_charts.gradient_through_layers(run.name, now, others)
        st.echarts_chart(spec, height=280, key="gradient-chart", alt=diagnosis_charts.gradient_in_words(now))
    left, right = st.columns(2)
    with left:
        words = diagnosis_charts.answers_in_words(now)
        st.markdown(f"**{_('Answers')}**: {words}")
        st.echarts_chart(diagnosis_charts.ten_answers(now), height=220, key="answers-chart", alt=words)
    with right:
        st.markdown(_("**Update**: how far one step moves the weights, as a share of them"))
        spec = diagnosis_charts.update_through_layers(run.name, now, others)
        words = fill(_("A step moves the weights by {share:short} of what they are."), share=now.typical_update)
        st.echarts_chart(spec, height=220, key="update-chart", alt=words)
    share = now.cost_seconds / max(curve.seconds[-1] if curve.seconds else 0.0, 1e-9)
    text = _("Looked at after step {step:,} with {images} training digits; looking took {share:1 %} of the time.")
    st.caption(fill(text, step=now.step, images=sum(now.shown), share=share))


def overlaid(run: Run) -> dict[str, Diagnosis]:
    """The last diagnosis of each run that is laid over this one."""
    curves = {name: resources.curve_of(name) for name in resources.overlaid() if name != run.name}
    return {name: curve.diagnoses[-1] for name, curve in curves.items() if curve and curve.diagnoses}


def one_change(config: RunConfig) -> dict[str, tuple[str, dict[str, Any], str]]:
    """What can be changed in a run, one thing each: key to name, settings and what it tests."""
    changes: dict[str, tuple[str, dict[str, Any], str]] = {}
    tests = _("Tests whether the weights were too small at the start to let the signal through.")
    changes["he"] = _("He initialisation"), {"init": "he"}, tests
    tests = _("Tests whether it helps to bring the signal back to one scale after every layer.")
    changes["batch_norm"] = _("Batch normalisation"), {"batch_norm": True}, tests
    tests = _("Tests whether the steps were too long.")
    changes["learning_rate"] = _("Learning rate 0.0001"), {"learning_rate": 0.0001}, tests
    if fewer := FEWER_LAYERS.get(config.model.plan):
        label = _("Fewer layers ({plan})").format(plan=fewer.upper().replace("VGG", "VGG-"))
        changes["fewer"] = label, {"plan": fewer}, _("Tests whether the network was too deep.")
    return {key: change for key, change in changes.items() if config.with_changes(**change[1]) != config}


def show_changes(base: Run) -> None:
    """A button for each change of one thing."""
    try:
        config = base.config()
    except RunError:
        return
    text = _("**Change one thing** in {name}, and nothing else: same seed, same images in the same order.")
    st.markdown(text.format(name=plain(base.name)))
    with st.container(horizontal=True, gap="small"):
        for key, (label, settings, tests) in one_change(config).items():
            st.button(label, key=f"change-{key}", help=tests, on_click=try_change, args=(base.name, settings))
    for run in going_on_here():
        st.caption(_("Your training **{name}** is stopped first; what it did is kept.").format(name=plain(run.name)))


def going_on_here() -> list[Run]:
    """The runs that this browser has started and that train: a changed one takes their place."""
    return [run for run, status in readable() if status.is_active and status.owner == identity.owner()]


def try_change(name: str, settings: Mapping[str, Any]) -> None:
    """Start the same run with one thing different, open it, and lay the first over it."""
    with keep_error("change_error"):
        config = get_run(name).config().with_changes(**settings)
        for run in going_on_here():
            run.send("stop")
        started = queue_run(config, identity.owner(), pins.kept())
        base, runs = read_tried()
        runs = runs if base == name else []
        st.query_params["tried"] = "~".join([name, *runs, started.name])
        st.session_state["overlay"] = [name, *runs[-MOST_OVERLAID + 1 :]]
        st.query_params["run"] = started.name
        st.session_state["page_changed"] = True


def read_tried() -> tuple[str, list[str]]:
    """The run in which one thing at a time was changed, and the runs that came of it, as the address names them."""
    base, *runs = st.query_params.get("tried", "").split("~")
    return base, runs


def base_of(run: Run) -> Run | None:
    """The run in which one thing was changed to get this one, when it was done in this page."""
    name, runs = read_tried()
    if run.name not in (name, *runs):
        return None
    try:
        base = get_run(name)
        base.config()  # what the others are compared with
    except RunError:
        return None
    return base


def show_tried(base: Run) -> None:
    """What was changed in this run, one thing each, and what came of it."""
    rows = [row for name in (base.name, *read_tried()[1]) if (row := outcome(name, base.config()))]
    st.markdown(_("**What was tried, and what came of it**"))
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=_("One row for each change of one thing"))


def outcome(name: str, base: RunConfig) -> dict[str, str] | None:
    """A row of the table; None when the run is gone or its settings are damaged."""
    curve = resources.curve_of(name)
    if curve is None:
        return None
    try:
        changed = get_run(name).config().changes_from(base)
    except RunError:
        return None
    verdict, recent = curve.verdict, curve.losses[-20:]
    return {
        _("changed"): ", ".join(f"{setting} {value}" for setting, value in changed.items()) or _("nothing"),
        _("what came of it"): translate(verdict.kind) if verdict else _("it has not started yet"),
        _("loss"): f"{fmean(recent):.3f}" if recent else "–",
        _("right, of the digits looked at"): percent(curve.diagnoses[-1].accuracy, 0) if curve.diagnoses else "–",
        _("steps"): f"{curve.last_step:,}",
        _("run"): name,
    }
