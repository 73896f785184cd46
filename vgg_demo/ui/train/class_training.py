"""Train with the class's digits: go on from a network, with them among MNIST's; and what came of it, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.collection.store import Collection, read_collections
from vgg_demo.errors import CollectionError, RunError
from vgg_demo.runs.manager import queue_run
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run, get_run
from vgg_demo.text import N_, _, ngettext, percent, plain
from vgg_demo.ui.collect.teacher import pick as pick_collection
from vgg_demo.ui.shared import expander, identity, jobs, networks, pins
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.shared.networks import Network

if TYPE_CHECKING:
    from vgg_demo.collection.outcome import Change, Outcome


def show() -> None:
    """A closed expander, where there is a collection with drawings."""
    try:
        _show()
    except CollectionError as error:  # it was deleted a moment ago
        st.error(plain(error))


def _show() -> None:
    collections = [pair for pair in read_collections() if pair[1].used]
    if not collections:
        return
    with expander.kept(_("Train with the class's digits"), ":material/groups:", "class_training") as is_open:
        if not is_open:
            return
        text = _(
            "A network goes on learning for 200 steps, and about one of five digits that it sees is the class's. About "
            "a third of the hands, at least one, is held out: what they have drawn only measures it."
        )
        st.caption(text)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            collection, _contents = pick_collection(collections, "train_collection")
            network = networks.pick(_("Network to start from"), _choices(), "class_start")
        own = identity.own_active_run()
        st.button(_("Train with them"), type="primary", icon=":material/play_arrow:", key="start_class",
                  on_click=_start, args=(collection, network))  # fmt: skip
        if own is not None:
            st.caption(_("Your training **{name}** comes first.").format(name=plain(own[0].name)))
        show_error("class_training_error")


def show_again(run: Run) -> None:
    """The same training once more, from the same network and digits, which the run has kept."""
    st.button(_("Train it again"), icon=":material/replay:", key="again", on_click=_again, args=(run.name,))


def show_outcome(run: Run, status: Status) -> None:
    """The network before and after, on the held-out hands and on MNIST, once the run has a network."""
    if not run.checkpoint_path.is_file():
        return

    def work(progress: jobs.Progress) -> Outcome:
        from vgg_demo.collection.outcome import measure_outcome

        return measure_outcome(run, progress)

    version = Network(run.name, run.checkpoint_path).version
    button = _("Measure what came of it")
    outcome = jobs.ask(("outcome", status.identity, version), work, button, "outcome", at_once=True)
    if outcome is None:
        return
    digits = outcome.class_digits
    text = _("It started from **{network}** and learned from {learned} of **{title}**; held out: {held_out}.")
    learned, held_out = (_hands(digits.count_hands(held_out=is_out)) for is_out in (False, True))
    st.markdown(
        text.format(network=plain(digits.network), title=plain(digits.title), learned=learned, held_out=held_out)
    )
    rows = {_("held-out hands"): outcome.held_out, _("MNIST's validation digits"): outcome.mnist}
    st.table(
        {
            _("read right"): list(rows),
            _("before"): [_share(change, 0) for change in rows.values()],
            _("after"): [_share(change, 1) for change in rows.values()],
        },
        hide_index=True,
        width="content",
    )
    st.markdown(f"{held_out_in_words(outcome.held_out)} {mnist_in_words(outcome.mnist)}")


def _hands(count: int) -> str:
    return ngettext("{count:,} hand", "{count:,} hands", count).format(count=count)


def held_out_in_words(change: Change) -> str:
    """What the training did for hands that the network has not learned from."""
    return _in_words(
        change,
        same=_("**For new hands it made no difference that {n:,} drawings could show** ({evidence})."),
        better=_("**It reads new hands better than before** ({evidence})."),
        worse=_("**It reads new hands worse than before** ({evidence})."),
    )


def mnist_in_words(change: Change) -> str:
    """What it did for MNIST's digits: does it forget?"""
    return _in_words(
        change,
        same=_("**It has forgotten nothing of MNIST that {n:,} digits could show** ({evidence})."),
        better=_("**MNIST's digits, too, it reads better than before** ({evidence})."),
        worse=_("**It has forgotten some of MNIST** ({evidence})."),
    )


def _in_words(change: Change, same: str, better: str, worse: str) -> str:
    found = change.comparison
    changed = better if len(found.only_second) > len(found.only_first) else worse
    text = changed if found.is_significant else same
    return text.format(n=found.n, evidence=evidence_in_words(change))


def evidence_in_words(change: Change) -> str:
    """What McNemar's test counts, and how often that would be chance."""
    found = change.comparison
    if not len(found.only_first) + len(found.only_second):
        return _("the same digits are right and wrong as before")
    chance = percent(found.p_value, 1) if found.p_value >= 0.001 else _("less than 0.1 %")
    text = _("newly right: {gained:,}, newly wrong: {lost:,}; by chance as uneven in {chance} of cases, McNemar's test")
    return text.format(gained=len(found.only_second), lost=len(found.only_first), chance=chance)


def _share(change: Change, after: int) -> str:
    right, n = change.counts[after], change.comparison.n
    return f"{percent(right / n)} ({right:,} / {n:,})"


def _choices() -> dict[str, Network]:
    """The networks to start from: not those that have learned from a class already."""
    found = {}
    for name, network in networks.choices().items():
        if network.run is None or not network.run.class_digits_path.is_file():
            found[name] = network
    return found


def _start(collection: Collection, network: Network) -> None:
    from vgg_demo.collection.material import class_digits_of
    from vgg_demo.runs.class_digits import class_config, keep_class_digits

    with keep_error("class_training_error"):
        _refuse_second()
        config = class_config(network.path)
        digits = class_digits_of(collection.contents(), config.train.seed, network.name)
        run = queue_run(config, identity.owner(), pins.kept(), keep_class_digits(digits, network.path))
        st.query_params["run"] = run.name


def _again(name: str) -> None:
    from vgg_demo.runs.class_digits import keep_class_digits, read_class_digits

    with keep_error("steer_error"):
        _refuse_second()
        run = get_run(name)
        prepare = keep_class_digits(read_class_digits(run), run.start_path)
        st.query_params["run"] = queue_run(run.config(), identity.owner(), pins.kept(), prepare).name


def _refuse_second() -> None:
    if own := identity.own_active_run():
        text = N_("Your training {name} comes first: it goes on, or waits for its turn.")
        raise RunError(text, name=own[0].name)
