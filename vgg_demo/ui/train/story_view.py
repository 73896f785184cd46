"""The story's network: whether its figures are the story's, and what is said of a run that learns all the same."""

from __future__ import annotations

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.diagnosis.verdict import escape_step
from vgg_demo.presets import PRESETS, STORY_ESCAPES
from vgg_demo.runs.reader import Curve
from vgg_demo.runs.status import Status
from vgg_demo.runs.store import Run
from vgg_demo.text import _, percent
from vgg_demo.ui.evaluate import results
from vgg_demo.ui.shared.networks import Network

STORY_LOSS, STORY_ACCURACY, STORY_STEPS = 2.302, 0.1135, 1875
TEST_IMAGES = 10_000


def is_story(config: RunConfig) -> bool:
    """Whether it is the story's network, trained as there, however long and with whatever seed."""
    preset = PRESETS.get(config.preset)
    if config.preset not in ("blog", "blog-mini") or preset is None:
        return False
    return not set(config.changes_from(preset.config)) - {"steps", "epochs", "seed", "device", "precision"}


def escape_in_words(config: RunConfig, curve: Curve) -> str:
    """That the story's network learned all the same, and how rare that is; nothing when it did not."""
    step = escape_step(curve.losses) if is_story(config) else None
    if step is None:
        return ""
    escaped, tried = STORY_ESCAPES
    if not escaped:
        text = _("This run found its way out at step {step:,}. That is rare: of {tried:,} that were tried, none did.")
        return text.format(step=step, tried=tried)
    text = _("This run found its way out at step {step:,}: about one in {one_in:,} does. The story's did not.")
    return text.format(step=step, one_in=round(tried / escaped))


def show(run: Run, config: RunConfig, status: Status, curve: Curve) -> None:
    """For the story's network: that its figures are the story's, or what differs; nothing for other networks."""
    if not is_story(config):
        return
    said = escape_in_words(config, curve)
    if not status.is_over:
        if said:
            st.caption(said)
        return
    loss = (status.result or {}).get("average_loss")
    if loss is None or not curve.diagnoses:
        return
    said = said or one_answer_in_words(curve)
    accuracy = measured_accuracy(run)
    same_loss = abs(loss - STORY_LOSS) < 0.0025
    if accuracy is None:
        text = _("The story's average loss: 2.302. Here: {loss:.3f}. {said} Evaluate measures whether the accuracy is "
                 "the story's 11.35 %, too.")  # fmt: skip
        st.caption(text.format(loss=loss, said=said))
        return
    if same_loss and accuracy == STORY_ACCURACY:
        st.badge(_("as in the story: 2.302 / 11.35 %"), icon=":material/check:", color="green")
        return
    text = _("The story: 2.302 / 11.35 %. Here: {loss:.3f} / {accuracy}.").format(loss=loss, accuracy=percent(accuracy))
    if accuracy != STORY_ACCURACY:
        text += " " + said
    if not same_loss and curve.last_step < STORY_STEPS:
        text += " " + _("The story took {steps:,} steps.").format(steps=STORY_STEPS)
    st.caption(text)


def one_answer_in_words(curve: Curve) -> str:
    """That it gave one answer to all digits of the last look; nothing when it did not."""
    digit, share = curve.diagnoses[-1].commonest_answer
    if share < 1:
        return ""
    shown = sum(curve.diagnoses[-1].answers)
    return _("It said {digit} to all {shown} digits that it was shown last.").format(digit=digit, shown=shown)


def measured_accuracy(run: Run) -> float | None:
    """On all test digits, when this very checkpoint has been evaluated on them."""
    if not run.checkpoint_path.is_file():
        return None
    known = results.remembered(Network(run.name, run.checkpoint_path), results.test_set(), [TEST_IMAGES])
    return None if known is None else float(known.is_right.mean())
