"""All runs: find one, lay several over each other, see what differs, rename, delete, download."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from statistics import fmean
from typing import Any

import pandas as pd
import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.errors import RunError
from vgg_demo.export.run_files import curve_csv, curve_png, run_script
from vgg_demo.presets import PRESETS
from vgg_demo.runs.reader import Curve, RunReader
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, delete_run, get_run, list_runs, rename_run
from vgg_demo.text import _, ngettext, percent, plain
from vgg_demo.ui.evaluate import results
from vgg_demo.ui.shared import expander, identity, resources
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.train.feed_question import MOST_OVERLAID
from vgg_demo.ui.train.live import state_in_words

LAST_LOSSES = 50


@dataclass(frozen=True)
class Summary:
    """The figures of a run in the list. loss: the mean of its last batches. val_accuracy: a fraction."""

    steps: int = 0
    loss: float | None = None
    val_accuracy: float | None = None

    @classmethod
    def of(cls, curve: Curve) -> Summary:
        """Those of a curve as it stands."""
        last, accuracies = curve.losses[-LAST_LOSSES:], curve.val_accuracies
        loss = round(fmean(last), 4) if last else None
        return cls(curve.last_step, loss, accuracies[-1][1] if accuracies else None)


def show(shown: Run | None) -> None:
    """One closed expander; the list is read when it is opened."""
    runs = list_runs()
    if not runs:
        return
    with expander.kept(_("All runs"), ":material/list:", "runs_list") as is_open:
        if not is_open:
            return
        example = _("a preset, a state, part of a name")
        text = st.text_input(_("Filter"), key="runs_filter", persist_state=resources.KEPT, placeholder=example)
        rows = [row for run in runs if (row := describe(run)) and _matches(row, text)]
        text = ngettext("{shown} of {count} run", "{shown} of {count} runs", len(runs))
        st.caption(text.format(shown=len(rows), count=len(runs)))
        st.dataframe(table(rows), hide_index=True, alt=_("The runs, the newest first"))
        names = [row["run"] for row in rows]
        show_overlay(names, shown)
        if names:
            show_one(names, shown)


def describe(run: Run) -> dict[str, Any]:
    """The run's row in the list. One that cannot be read says so."""
    preset, differs, steps, loss, accuracy, when = "–", "", None, None, "–", "–"
    try:
        config, status = run.config(), run.status()
    except RunError as error:
        state = _("damaged: {reason}").format(reason=error)
    else:
        summary = summarise(run, status)
        preset, state, steps, loss = config.preset, state_in_words(status, summary.steps), summary.steps, summary.loss
        if preset in PRESETS:
            changes = config.changes_from(PRESETS[preset].config)
            differs = ", ".join(f"{name} {value}" for name, value in changes.items())
        if summary.val_accuracy is not None:
            accuracy = percent(summary.val_accuracy)
        when = datetime.fromtimestamp(status.created).strftime("%Y-%m-%d %H:%M")
    return {
        "run": run.name,
        "preset": preset,
        "differs": differs,
        "state": state,
        "steps": steps,
        "loss": loss,
        "accuracy": accuracy,
        "when": when,
    }


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows that describe has made, with the titles of their columns."""
    titles = {
        "run": _("run"),
        "preset": _("preset"),
        "differs": _("differs"),
        "state": _("state"),
        "steps": _("steps"),
        "loss": _("loss, last batches"),
        "accuracy": _("validation accuracy"),
        "when": _("when"),
    }
    return pd.DataFrame(rows).rename(columns=titles)


def summarise(run: Run, status: Status) -> Summary:
    """A run's figures. Of one that is over they are kept for all viewers, until its events change."""
    if not status.is_over:
        return Summary.of(resources.run_reader(str(run.path)).refresh())
    try:
        file = run.metrics_path.stat()
    except OSError:
        return Summary()
    return _summarise_file(run, status.identity, file.st_size, file.st_mtime_ns)


@lru_cache(maxsize=5_000)
def _summarise_file(run: Run, *_version: object) -> Summary:
    return Summary.of(RunReader(run).refresh())  # not by resources.run_reader, which keeps whole curves


def show_overlay(names: list[str], shown: Run | None) -> None:
    """Choose runs to lay over the one that is shown, and see in which settings they differ."""
    others = [name for name in names if shown is None or name != shown.name]
    kept = [name for name in resources.overlaid() if name in others]
    if kept != st.session_state.get("overlay", []):  # only then: a write replaces what is just being chosen
        st.session_state["overlay"] = kept
    st.multiselect(
        _("Lay over the curve above"),
        others,
        key="overlay",
        persist_state=resources.KEPT,
        max_selections=MOST_OVERLAID,
        help=_("Up to six runs on the same axes, which differ by colour and dashes."),
    )
    if not resources.overlaid() or shown is None:
        return
    configs = {}
    for name in [shown.name, *resources.overlaid()]:
        try:
            configs[name] = get_run(name).config()
        except RunError as error:
            st.warning(plain(error))
    st.markdown(_("**What differs between them**"))
    table = differing_settings(configs)
    if table:
        st.table(pd.DataFrame(table).T)
    else:
        st.caption(_("Nothing: all their settings are the same."))


def differing_settings(configs: dict[str, RunConfig]) -> dict[str, dict[str, str]]:
    """The settings that are not the same in all: setting to run name to value."""
    values = {name: asdict(config.model) | asdict(config.train) for name, config in configs.items()}
    settings = next(iter(values.values()), {})
    table = {setting: {name: str(v[setting]) for name, v in values.items()} for setting in settings}
    return {setting: row for setting, row in table.items() if len(set(row.values())) > 1}


def show_one(names: list[str], shown: Run | None) -> None:
    """Open, rename, delete or download one run."""
    index = names.index(shown.name) if shown and shown.name in names else 0
    name = st.selectbox(_("One of them"), names, index=index, key="chosen_run")
    show_error("list_error")
    try:
        run = get_run(name)
    except RunError as error:
        st.error(plain(error))
        return
    with st.container(horizontal=True):
        st.button(_("Show its curve"), icon=":material/show_chart:", on_click=_open, args=(name,))
        if _may_change(run):
            show_changes(name)
        show_downloads(run)


def show_changes(name: str) -> None:
    """Rename or delete the run."""
    with st.popover(_("Rename"), icon=":material/edit:"):
        st.text_input(_("New name"), value=name, key=f"rename-{name}")
        st.button(_("Rename it"), on_click=_rename, args=(name,))
    with st.popover(_("Delete"), icon=":material/delete:"):
        text = _("Delete **{name}** with its curve and its network? This cannot be undone.")
        st.markdown(text.format(name=plain(name)))
        st.button(_("Yes, delete it"), type="primary", on_click=_delete, args=(name,))


def show_downloads(run: Run) -> None:
    """The curve, the checkpoint, and the run as a script."""
    with st.popover(_("Download"), icon=":material/download:"):
        reader = resources.run_reader(str(run.path))

        def offer(label: str, content: Callable[[], str | bytes], suffix: str, mime: str, text: str = "") -> None:
            st.download_button(label, content, run.name + suffix, mime, help=text or None, on_click="ignore")

        offer(_("The curve as CSV"), lambda: curve_csv(reader.refresh()), ".csv", "text/csv")
        offer(_("The curve as PNG"), lambda: curve_png(run.name, reader.refresh()), ".png", "image/png")
        if run.checkpoint_path.is_file():
            content = run.checkpoint_path.read_bytes
            offer(_("The checkpoint"), content, ".safetensors", "application/octet-stream")
        if run.class_digits_path.is_file():  # the script has MNIST alone
            return
        label = _("The run as one PyTorch script")
        text = _("It needs torch, torchvision and numpy, and gives the same losses on this machine.")
        offer(label, lambda: run_script(run.config(), reader.refresh()), ".py", "text/x-python", text)


def _matches(row: dict[str, Any], text: str) -> bool:
    return all(word in " ".join(map(str, row.values())).lower() for word in text.lower().split())


def _open(name: str) -> None:
    st.query_params["run"] = name


def _rename(name: str) -> None:
    new = st.session_state[f"rename-{name}"]

    def rename(run: Run) -> None:
        rename_run(run, new)
        if st.query_params.get("run") == name:
            st.query_params["run"] = new

    _change(name, rename)


def _delete(name: str) -> None:
    def delete(run: Run) -> None:
        with contextlib.suppress(OSError):
            results.forget_answers(run.checkpoint_path)
        delete_run(run)
        if st.query_params.get("run") == name:
            del st.query_params["run"]

    _change(name, delete)


def _change(name: str, action: Callable[[Run], None]) -> None:
    """Change a run's folder if this browser may."""
    with keep_error("list_error"):
        run = get_run(name)
        if not _may_change(run):
            raise RunError(_("Another browser started this run: it cannot be renamed or deleted from here."))
        action(run)


def _may_change(run: Run) -> bool:
    try:
        return identity.may_steer(run.status())
    except RunError:  # its status cannot be read: there is no owner to ask
        return True
