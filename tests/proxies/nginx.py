"""nginx in front of a server: an instance of its own, with its own folder, on this machine alone."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")

CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_max_body_size 25m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port}{tls};
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host {host};
    {locations}
  }}
}}
"""
TLS = " ssl;\n    ssl_certificate {folder}/certificate.pem;\n    ssl_certificate_key {folder}/key.pem"


@dataclass
class Nginx:
    """Started and listening. Use as a context manager; end and start take its network away and give it back.

    locations: the location blocks of its one server, with {upstream} for the page's address and port. host: what the
    page's server gets as Host; $http_host is what the browser sent, $proxy_host the page's own address.
    """

    folder: Path
    upstream: str
    locations: str
    host: str = "$http_host"
    is_https: bool = False
    frame: Callable[[int], str] = lambda port: ""
    port: int = 0

    def __enter__(self) -> Nginx:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.is_https:
            make_certificate(self.folder)
        tls = TLS.format(folder=self.folder) if self.is_https else ""
        locations = self.locations.replace("{upstream}", self.upstream) + self.frame(self.port)
        config = CONFIG.format(folder=self.folder, port=self.port, tls=tls, host=self.host, locations=locations)
        (self.folder / "nginx.conf").write_text(config, "utf-8")
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    def start(self) -> None:
        """Start it and wait until it listens. Raises RuntimeError when it does not."""
        assert PROGRAM is not None
        log = self.folder / "error.log"
        self.process = subprocess.Popen(
            [PROGRAM, "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder), "-e", str(log)],
            stdin=subprocess.DEVNULL,
        )
        for _attempt in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"nginx did not start: {log.read_text('utf-8')[-500:]}")

    def end(self) -> None:
        """Cut all connections and refuse new ones."""
        self.process.kill()
        self.process.wait()


def make_certificate(folder: Path) -> None:
    """A certificate that nobody has signed, and its key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=school.example",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
