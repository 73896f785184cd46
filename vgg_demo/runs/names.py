"""Names of runs, which are names of folders: which may be had, and how one is taken."""

from __future__ import annotations

import itertools
import re
from contextlib import suppress
from pathlib import Path

from vgg_demo.errors import RunError
from vgg_demo.places import shipped_names
from vgg_demo.text import N_

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
NO_FOLDER = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.", re.IGNORECASE)  # on Windows


def make_folder(root: Path, name: str) -> Path:
    """An empty folder of that name. Raises RunError when the name is taken or unfit, OSError."""
    if not NAME.fullmatch(name) or NO_FOLDER.fullmatch(name):
        raise RunError(
            N_(
                "run name {name!r}: use up to 60 letters, digits, '-', '_' and '.', beginning with a letter or digit, "
                "not ending with '.', and none that Windows keeps for itself"
            ),
            name=name,
        )
    if name.casefold() in {taken.casefold() for taken in shipped_names()}:
        raise RunError(
            N_("run name {name!r}: a network that ships with the project has it; choose another name"), name=name
        )
    try:
        (root / name).mkdir()
    except FileExistsError:
        raise RunError(
            N_("run {name!r} exists already; choose another name, or --resume --run {name} to go on with it"), name=name
        ) from None
    return root / name


def make_numbered_folder(root: Path, preset: str) -> Path:
    """An empty folder that is called as the preset, with the lowest number that is free. Raises OSError."""
    for number in itertools.count(1):
        with suppress(FileExistsError):
            (root / f"{preset}-{number}").mkdir()
            break
    return root / f"{preset}-{number}"
