"""Find a checkpoint by its path, its run or its name, and the run that it belongs to."""

from __future__ import annotations

from pathlib import Path

from vgg_demo.errors import CheckpointError
from vgg_demo.places import PRETRAINED, shipped_names
from vgg_demo.runs.names import NAME
from vgg_demo.runs.store import SHIPPED_MODEL, Run, home, list_runs
from vgg_demo.text import N_


def answers_path(sha256: str) -> Path:
    """Where the answers of a shipped network to the test digits lie. sha256: of its file."""
    return PRETRAINED / "answers" / f"{sha256[:32]}.safetensors"


def run_of_checkpoint(path: Path) -> Run | None:
    """The run in whose folder a checkpoint is, None when it is elsewhere. path: absolute or relative."""
    return next((run for run in list_runs() if run.path == path.resolve().parent), None)


def find_checkpoint(text: str | None = None) -> Path:
    """The checkpoint that a path, a run's name or a shipped model's name means; the shipped one without any.

    Raises CheckpointError when there is none.
    """
    text = SHIPPED_MODEL if text is None else text
    if text in shipped_names():  # also where a folder is called so: a copy by hand, say
        return PRETRAINED / f"{text}.safetensors"
    if NAME.fullmatch(text):
        run = Run(home() / text)
        if run.checkpoint_path.is_file():
            return run.checkpoint_path
        if run.config_path.is_file():
            raise CheckpointError(N_("run {name!r} has no checkpoint yet; let it train for a while"), name=text)
    path = Path(text).expanduser()
    if text and path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise CheckpointError(
            N_("there is no checkpoint {name!r}; give a .safetensors file, the name of a run, or {shipped!r}"),
            name=text,
            shipped=SHIPPED_MODEL,
        )
    return path
