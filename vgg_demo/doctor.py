"""Whether everything that the program needs is here: each finding is fine, or says what to do.

A library that is missing or broken must not end it, so that each is imported only where it is looked at.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vgg_demo import __version__
from vgg_demo.errors import DataError, first_line
from vgg_demo.mnist_files import CHECKSUMS, data_folder, read_shipped
from vgg_demo.places import IS_INSTALLED, PRETRAINED, PROJECT

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
IMPORT_NAMES = {"pillow": "PIL", "scikit-learn": "sklearn"}
NOT_IMPORTED = ("streamlit-drawable-canvas",)  # it can be imported by a running page alone
NEEDED_DISK, NEEDED_MEMORY = 2e9, 2e9  # bytes: MNIST, a few runs and one of `blog`; the page and one training
PORT = 8501  # Streamlit's own choice
GPU_SEARCH = "https://pytorch.org/get-started/locally/"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what is there, and what to do about it: "" where it is fine."""

    name: str
    found: str
    advice: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to do."""
        return not self.advice


def examine() -> list[Finding]:
    """Look at everything."""
    findings = []
    for name, look in LOOKS.items():
        try:
            findings.append(Finding(name, *look()))
        except Exception as error:  # a broken library may raise anything, and the next look may need none
            findings.append(Finding(name, f"cannot be looked at ({first_line(error)})", "mend the libraries first"))
    return findings


def python() -> tuple[str, str]:
    """The version of Python."""
    found = f"{sys.version.split()[0]}, {sys.executable}; VGG Demo {__version__}"
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return found, ""
    return found, "install it with Python {}.{} to {}.{}".format(*OLDEST_PYTHON, *NEWEST_PYTHON)


def libraries() -> tuple[str, str]:
    """Whether each library is there, of a version that was tried, and can be imported."""
    from packaging.requirements import Requirement

    wrong, bad = [], []
    for asked in map(Requirement, requirements()):
        fault = fault_of(asked.name, asked.specifier.contains)
        if fault:
            wrong.append(f"{asked.name} {fault}")
            bad.append(f'"{asked.name}{asked.specifier}"')
    if not wrong:
        versions = [f"{name} {importlib.metadata.version(name)}" for name in ("torch", "torchvision", "streamlit")]
        return f"all {len(requirements())}, such as {', '.join(versions)}", ""
    has_pip = importlib.util.find_spec("pip") is not None
    pip = f"{sys.executable} -m pip install" if has_pip else f"uv pip install --python {sys.executable}"
    return "; ".join(wrong), f"{pip} {' '.join(bad)}; add --force-reinstall for what is broken"


def requirements() -> list[str]:
    """The libraries that the program asks for, each with its range of versions."""
    if IS_INSTALLED:
        return [text for text in importlib.metadata.requires("vgg-demo") or [] if "extra ==" not in text]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    return [str(requirement) for requirement in project["dependencies"]]


def fault_of(name: str, is_in_range: Callable[[str], bool]) -> str:
    """What is wrong with a library, "" when nothing is."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "is missing"
    if not is_in_range(version):
        return f"is of version {version}, which was not tried"
    if name not in NOT_IMPORTED:
        try:
            importlib.import_module(IMPORT_NAMES.get(name, name.replace("-", "_")))
        except Exception as error:  # of its own type, or of the system's loader
            return f"is broken ({first_line(error)})"
    return ""


def mnist() -> tuple[str, str]:
    """Whether the shipped digits are undamaged, and whether they can be unpacked."""
    try:
        for name in CHECKSUMS:
            read_shipped(name)
    except DataError as error:  # what there is, and after the last colon what to do
        found, _colon, advice = str(error).rpartition(": ")
        return found, advice
    return writable(data_folder(), "VGG_DEMO_DATA", "four files, checksums right; unpacked in")


def network() -> tuple[str, str]:
    """Whether each shipped network is the one whose answers ship with it."""
    for path in PRETRAINED.glob("*.safetensors"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if not (PRETRAINED / "answers" / f"{digest[:32]}.safetensors").is_file():
            return f"{path} is damaged", "restore it: install the program again, or 'git checkout' it"
    names = sorted(path.stem for path in PRETRAINED.glob("*.safetensors"))
    return (", ".join(names), "") if names else (f"none in {PRETRAINED}", "install the program again")


def runs() -> tuple[str, str]:
    """Where runs are kept, and whether there is room."""
    from vgg_demo.runs.store import home

    return writable(home(), "VGG_DEMO_HOME", "kept in")


def writable(folder: Path, variable: str, found: str) -> tuple[str, str]:
    """Whether a folder, or the one in which it would be made, can be written and has room."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    found = f"{found} {folder}; {free / 1e9:.0f} GB free"
    instead = f"or name another folder in the environment variable {variable}"
    try:
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        return f"{found}; cannot be written ({error.strerror or error})", f"make it writable, {instead}"
    return found, "" if free > NEEDED_DISK else f"free {NEEDED_DISK / 1e9:.0f} GB, {instead}"


def memory() -> tuple[str, str]:
    """How much memory is free."""
    import psutil

    free, total = psutil.virtual_memory().available, psutil.virtual_memory().total
    found = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    return found, "" if free > NEEDED_MEMORY else f"close programs: page and training need {NEEDED_MEMORY / 1e9:.0f} GB"


def processor() -> tuple[str, str]:
    """How many cores there are, and how many of them torch uses."""
    import psutil
    import torch

    threads, cores = torch.get_num_threads(), psutil.cpu_count(logical=False) or os.cpu_count() or 1
    found = f"{os.cpu_count()} processors, {cores} cores; torch uses {threads} threads"
    if threads == 1 and cores > 1:
        return found, "unset OMP_NUM_THREADS, or set it to the number of cores: a training uses one core alone"
    return found, ""


def gpu() -> tuple[str, str]:
    """Whether torch can use a GPU, where there is one."""
    import torch

    from vgg_demo.runs.processes import has_gpu_driver

    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()}, {torch.cuda.get_device_name()}", ""
    if torch.backends.mps.is_available():
        return "Apple's (mps)", ""
    if has_gpu_driver():
        return "this PyTorch cannot use the one that is here", f"install PyTorch for it: {GPU_SEARCH}"
    return "none: trainings use the processor", ""


def cluster() -> tuple[str, str]:
    """Whether the Ray cluster answers that VGG_DEMO_RAY names."""
    from vgg_demo.runs.engines import cluster_address
    from vgg_demo.runs.engines.cluster import CONNECT_SECONDS, INSTALL, NO_ANSWER, is_installed, said

    address = cluster_address()
    if address is None:
        return "none asked for: trainings use this machine", ""
    if not is_installed():
        return "Ray is not installed", f"{INSTALL}, or unset VGG_DEMO_RAY"
    command = [sys.executable, "-m", "vgg_demo.runs.engines.agent", address, "check"]
    try:
        done = subprocess.run(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, timeout=CONNECT_SECONDS
        )
        line = done.stdout.splitlines()[-1]
        problem, found = str(said(line)), json.loads(line).get("found", "no answer")
    except (subprocess.TimeoutExpired, IndexError, ValueError):
        problem, found = NO_ANSWER, "no answer"
    advice = f"{problem}; without VGG_DEMO_RAY, trainings use this machine"
    return f"{address}: {found}", advice if problem else ""


def port() -> tuple[str, str]:
    """Whether the page's port is free."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", PORT)):
            return f"{PORT} is free", ""
    if is_streamlit(PORT):
        return f"{PORT}: a page is open at http://localhost:{PORT}; another one would get the next free port", ""
    return f"{PORT} is used by another program", f"end it, or start the page with --server.port {PORT + 1}"


def is_streamlit(port: int) -> bool:
    """Whether what listens on a port of this machine is a page of Streamlit."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().read(16) == b"ok"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def addresses() -> tuple[str, str]:
    """Under which addresses a class would find the page."""
    from vgg_demo.addresses import addresses_in_room, own_interfaces

    found = [f"http://{f'[{host}]' if ':' in host else host}:{PORT}" for host in addresses_in_room(own_interfaces())]
    if not found:
        return "none: this computer is in no network", ""
    return f"{', '.join(found)}, when the page is started with --server.address 0.0.0.0", ""


LOOKS: dict[str, Callable[[], tuple[str, str]]] = {
    "Python": python,
    "libraries": libraries,
    "MNIST": mnist,
    "shipped network": network,
    "runs": runs,
    "memory": memory,
    "processor": processor,
    "GPU": gpu,
    "cluster": cluster,
    "port": port,
    "addresses": addresses,
}
