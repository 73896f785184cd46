"""Choosing a network: the shipped checkpoints and those of runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from vgg_demo.config import RunConfig
from vgg_demo.places import PRETRAINED, shipped_names
from vgg_demo.runs.store import Run, list_runs
from vgg_demo.text import _
from vgg_demo.ui.shared import resources

if TYPE_CHECKING:
    from vgg_demo.model import VGG


@dataclass(frozen=True)
class Network:
    """A checkpoint that was chosen. All but its name raise FileNotFoundError when the file is gone."""

    name: str
    path: Path

    @property
    def run(self) -> Run | None:
        """The run that it belongs to, or None for one that ships with the project."""
        return None if self.path.parent == PRETRAINED else Run(self.path.parent)

    @property
    def version(self) -> str:
        """Changes when the file does."""
        return resources.fingerprint(self.path)

    @property
    def sha256(self) -> str:
        """Of the file's contents."""
        return _sha256(str(self.path), self.version)

    @property
    def config(self) -> RunConfig:
        """The config in the checkpoint. Raises CheckpointError."""
        return _header_config(str(self.path), self.version)

    def load(self) -> VGG:
        """The network itself. Raises CheckpointError."""
        return resources.load_network(str(self.path), self.version)[0]


def choices() -> dict[str, Network]:
    """Every network that can be chosen, by name: the shipped ones, then those of runs, the newest first."""
    shipped = {name: PRETRAINED / f"{name}.safetensors" for name in sorted(shipped_names())}
    runs = {run.name: run.checkpoint_path for run in list_runs() if run.checkpoint_path.is_file()}
    return {name: Network(name, path) for name, path in {**shipped, **runs, **shipped}.items()}


def pick(label: str, networks: dict[str, Network], key: str) -> Network:
    """A selection box of networks; the first one is the default."""
    names = list(networks)
    if st.session_state.get(key) not in networks:
        st.session_state[key] = names[0]
    # index too: a browser that shows the box again may send the first choice before it gets the session's
    index = names.index(st.session_state[key])
    with st.container(width=480):
        name = st.selectbox(label, names, index=index, key=key, persist_state=resources.KEPT, format_func=shown_name)
    return networks[name]


def pick_network(key: str) -> Network | None:
    """Choose among all networks. Returns None when there is none; the page then says what to do."""
    if networks := choices():
        return pick(_("Network"), networks, key)
    st.info(_("There is no trained network yet. Train one first, in the Train tab."), icon=":material/info:")
    return None


def shown_name(name: str) -> str:
    """A network's name as it is shown."""
    return _("{name} (ships with the project)").format(name=name) if name in shipped_names() else name


@st.cache_data(show_spinner=False, max_entries=100)
def _sha256(path: str, version: str) -> str:
    """Of a file's contents; version changes when the file does."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@st.cache_data(show_spinner=False, max_entries=100)
def _header_config(path: str, version: str) -> RunConfig:
    from vgg_demo.checkpoint import read_header

    return read_header(Path(path)).config
