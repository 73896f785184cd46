"""The doctor names what is wrong with an installation or a machine, and what to do, whatever is missing."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers import PROJECT
from vgg_demo import doctor, mnist_files
from vgg_demo.addresses import addresses_in_room
from vgg_demo.doctor import LOOKS, Finding, examine
from vgg_demo.places import PRETRAINED

pytestmark = pytest.mark.usefixtures("home")


def finding(name: str) -> Finding:
    """What the doctor says of one thing."""
    return Finding(name, *LOOKS[name]())


def test_doctor_finds_nothing_wrong_with_the_tested_set() -> None:
    findings = {found.name: found for found in examine()}

    assert list(findings) == list(LOOKS)
    for name in ("Python", "libraries", "MNIST", "shipped network", "GPU", "addresses"):
        assert findings[name].is_fine, findings[name]


def test_doctor_names_what_is_broken_and_what_is_missing_and_goes_on() -> None:
    """Libraries that cannot be imported, in a process that has loaded none."""
    code = "import sys; sys.modules.update(dict.fromkeys(['torch', 'psutil', 'streamlit', 'sklearn', 'matplotlib'])); "
    code += "sys.argv[1:] = ['doctor', '--json']; "
    code += "from vgg_demo.__main__ import main; sys.exit(main())"

    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, encoding="utf-8")

    assert (done.returncode, done.stderr) == (1, "")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert list(rows) == list(LOOKS)
    assert "torch is broken" in rows["libraries"]["found"] and "psutil is broken" in rows["libraries"]["found"]
    assert '-m pip install "torch' in rows["libraries"]["advice"]
    assert "psutil" in rows["memory"]["found"] and rows["memory"]["advice"]
    assert all(rows[name]["fine"] for name in ("Python", "MNIST", "shipped network", "port"))


@pytest.mark.parametrize(
    ("asked", "fault"),
    [("no-such-library>=1,<2", "is missing"), ("click>=99,<100", "which was not tried")],
)
def test_library_that_is_missing_or_of_another_version_is_named(
    monkeypatch: pytest.MonkeyPatch, asked: str, fault: str
) -> None:
    monkeypatch.setattr(doctor, "requirements", lambda: [asked])

    found = finding("libraries")

    assert fault in found.found
    assert asked.partition(">")[0] in found.advice


def test_damaged_data_and_network_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, module, name in (
        (mnist_files.SHIPPED, mnist_files, "SHIPPED"),
        (PRETRAINED, doctor, "PRETRAINED"),
    ):
        copy = tmp_path / name
        shutil.copytree(place, copy)
        monkeypatch.setattr(module, name, copy)
        for path in copy.glob("*.*"):
            path.write_bytes(path.read_bytes()[:-1])

    rows = {found.name: found for found in examine()}

    assert "damaged" in rows["MNIST"].found and "restore" in rows["MNIST"].advice
    assert "damaged" in rows["shipped network"].found and rows["shipped network"].advice


def test_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VGG_DEMO_HOME", str(tmp_path / "file" / "runs"))

    found = finding("runs")

    assert "cannot be written" in found.found
    assert "VGG_DEMO_HOME" in found.advice


def test_full_disk_and_memory_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1e8))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1e8, total=8e9))

    assert "free 2 GB" in finding("runs").advice
    assert "close programs" in finding("memory").advice


def test_port_of_another_program_is_named_and_that_of_a_page_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        answer = b"ok"

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.answer)

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(doctor, "PORT", server.server_port)
        page = finding("port")
        Page.answer = b"something else"
        other = finding("port")
        server.shutdown()

    assert page.is_fine and "a page is open" in page.found
    assert f"--server.port {doctor.PORT + 1}" in other.advice
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(doctor, "PORT", free.getsockname()[1])
    assert finding("port").is_fine


def test_one_thread_on_many_cores_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 4)

    assert "OMP_NUM_THREADS" in finding("processor").advice


def test_addresses_for_a_room_begin_with_the_likeliest() -> None:
    interfaces = {
        "lo": ["127.0.0.1", "::1"],
        "docker0": ["172.17.0.1"],
        "eth0": ["203.0.113.7", "fe80::1%eth0", "2001:db8::7"],
        "wlan0": ["192.168.1.20", "169.254.3.4"],
    }

    assert addresses_in_room(interfaces) == ["192.168.1.20", "203.0.113.7", "2001:db8::7"]
    assert addresses_in_room({"lo": ["127.0.0.1"], "docker0": ["172.17.0.1"]}) == ["172.17.0.1"]
    assert addresses_in_room({"lo": ["127.0.0.1"]}) == []


def test_command_line_without_its_library_says_so_in_one_line() -> None:
    code = "import sys; sys.modules['click'] = None; import vgg_demo.__main__"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, encoding="utf-8", env=os.environ
    )

    assert done.returncode == 1
    assert done.stderr.startswith("error: the library click is missing") and len(done.stderr.splitlines()) == 1
