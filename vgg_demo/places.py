"""Where the program's own files lie, and where it keeps what it makes: the same modules in a checkout and installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent
PROJECT = PACKAGE.parent  # the top of a checkout; for an installed package the folder that it is imported from
PRETRAINED = PACKAGE / "assets" / "pretrained"
_INSTALLED_SERVER = PACKAGE / "server"  # a wheel has the server's two files there (pyproject.toml)
IS_INSTALLED = _INSTALLED_SERVER.is_dir()
SERVER = _INSTALLED_SERVER if IS_INSTALLED else PROJECT  # the folder of streamlit_app.py and .streamlit/config.toml


def storage() -> Path:
    """The folder that holds what the program makes: of a checkout its top, else the user's own for data."""
    if not IS_INSTALLED:
        return PROJECT
    from platformdirs import user_data_path  # only here: the doctor works where a library is missing

    return user_data_path("vgg-demo", appauthor=False)


def shipped_names() -> set[str]:
    """Names of the networks that ship with the project; no run may take one."""
    return {path.stem for path in PRETRAINED.glob("*.safetensors")}
