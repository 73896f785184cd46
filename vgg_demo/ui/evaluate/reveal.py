"""The test set is held out: a run shows its validation figures; its test result opens on demand, and is counted."""

from __future__ import annotations

import streamlit as st

from vgg_demo.errors import CheckpointError
from vgg_demo.runs.reveals import add_reveal, count_reveals
from vgg_demo.runs.store import Run
from vgg_demo.text import _, ngettext
from vgg_demo.ui.evaluate import results
from vgg_demo.ui.evaluate.results import DigitSet
from vgg_demo.ui.shared.kept_errors import keep_error, show_error
from vgg_demo.ui.shared.networks import Network


def is_open(network: Network) -> bool:
    """Whether the test result may be shown: of what ships always, of a run once it was revealed in this session."""
    return network.run is None or was_just_revealed(network)


def was_just_revealed(network: Network) -> bool:
    """Whether the test result was asked for in this session, so that it needs no second button."""
    return _mark(network) in st.session_state.get("revealed", set())


def pick_validation(network: Network) -> DigitSet | None:
    """The digits that this run kept apart; or None, and why there are none."""
    digit_set = results.validation_set(network.config)
    if digit_set is None:
        text = _(
            "This network learned from all 60,000 training digits and kept none apart, so there are no validation "
            "digits. Only the test digits can say how good it is."
        )
        st.info(text, icon=":material/info:")
    return digit_set


def offer(network: Network, run: Run) -> None:
    """The closed test set of a run: what it is, how often it was looked at, and the button that opens it."""
    st.markdown(
        _(
            "The test set is for the end. If you look, change something and look again, you fit the network to the "
            "test digits, and the figure no longer says how it reads digits it has never met. Until then, "
            "choose by the validation digits."
        )
    )
    show_count(run)
    label = _("Reveal the test result")
    st.button(label, type="primary", icon=":material/visibility:", key="reveal", on_click=reveal, args=(network, run))
    show_error("reveal_error")


def reveal(network: Network, run: Run) -> None:
    """Count the look, and open the test set for this session. What cannot be counted stays closed."""
    with keep_error("reveal_error"):
        try:
            add_reveal(run, network.sha256)
            st.session_state.setdefault("revealed", set()).add(_mark(network))
        except FileNotFoundError:
            raise CheckpointError(_("This checkpoint has just been deleted; pick another one.")) from None


def show_count(run: Run) -> None:
    """How often the test result of this run was looked at."""
    count = count_reveals(run)
    if count == 0:
        text = _("This run's test result has not been looked at yet.")
    elif count == 1:
        text = _("This run's test result was looked at **once**. The first look is the honest one.")
    else:
        text = ngettext(
            "This run's test result was looked at **{count} time**. With every look that changes what is done next, "
            "it flatters a little more.",
            "This run's test result was looked at **{count} times**. With every look that changes what is done next, "
            "it flatters a little more.",
            count,
        )
    st.caption(text.format(count=count))


def _mark(network: Network) -> tuple[str, str]:
    """A run in one state: after more training, and for another run of the same name, the test set is closed again."""
    return "" if network.run is None else network.run.identity, network.version
