"""Show the code: the lines that ran, taken from the source files, with the steps of the story numbered."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from vgg_demo.places import PROJECT
from vgg_demo.text import N_, _, translate
from vgg_demo.ui.shared import expander


@dataclass(frozen=True)
class Part:
    """A piece of code. step: what it is among the story's steps. name: of a function or class in the module."""

    step: str
    module: str
    name: str


LOAD = N_("1 · Load MNIST, and keep some digits for validation")
TRANSFORM = N_("2 · Resize, repeat the channel, normalise: the transform")
NETWORK = N_("3 · The network")
OPTIMIZER = N_("4 · The optimiser")
LOOP = N_("5 · The loop: zero_grad, forward, loss, backward, step")
EVALUATION = N_("6 · Evaluate: the answers, and how many are right")

TRAIN = (
    Part(LOAD, "vgg_demo.data", "split_train"),
    Part(TRANSFORM, "vgg_demo.transforms", "transform_batch"),
    Part(NETWORK, "vgg_demo.model", "VGG"),
    Part(NETWORK, "vgg_demo.model", "make_layers"),
    Part(OPTIMIZER, "vgg_demo.training", "make_optimizer"),
    Part(LOOP, "vgg_demo.training", "Training.run"),
    Part(LOOP, "vgg_demo.training", "Training.next_batch"),
    Part(LOOP, "vgg_demo.training", "Training.loss_function"),
)
EVALUATE = (
    Part(TRANSFORM, "vgg_demo.transforms", "transform_batch"),
    Part(EVALUATION, "vgg_demo.evaluation", "predict_logits"),
    Part(EVALUATION, "vgg_demo.evaluation", "predict"),
    Part(EVALUATION, "vgg_demo.metrics", "confusion_counts"),
)
DRAW = (
    Part(N_("From the drawing to a digit as MNIST has it"), "vgg_demo.drawing.mnist_form", "prepare_digits"),
    Part(N_("From the drawing to a digit as MNIST has it"), "vgg_demo.drawing.mnist_form", "centre_by_mass"),
    Part(TRANSFORM, "vgg_demo.transforms", "transform_batch"),
    Part(N_("The answer"), "vgg_demo.drawing.predict", "read_drawing"),
)


def show(parts: tuple[Part, ...]) -> None:
    """The code of some parts, each with its place."""
    step = ""
    for part in parts:
        if part.step != step:
            st.markdown(f"**{translate(part.step)}**")
        step = part.step
        path, line, code = source_of(part)
        st.caption(_("{path}, from line {line}").format(path=f"`{path}`", line=line))
        st.code(code, language="python", wrap_lines=True)


def show_closed(parts: tuple[Part, ...], key: str) -> None:
    """The same in a closed expander."""
    with expander.kept(_("Show the code"), ":material/code:", key) as is_open:
        if is_open:
            show(parts)


def source_of(part: Part) -> tuple[str, int, str]:
    """The file, relative to the project, the first line's number, and the lines."""
    found: object = importlib.import_module(part.module)
    for name in part.name.split("."):
        found = getattr(found, name)
    wrapped = inspect.unwrap(found)  # type: ignore[arg-type]
    lines, first = inspect.getsourcelines(wrapped)
    path = Path(inspect.getsourcefile(wrapped) or "").relative_to(PROJECT).as_posix()
    return path, first, inspect.cleandoc("\n" + "".join(lines))
