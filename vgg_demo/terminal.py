"""What the command line asks of its terminal: to follow a run, to end as after Ctrl-C, to take every letter."""

from __future__ import annotations

import io
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vgg_demo.runs.store import Run

POLL_SECONDS = 0.1
ENDINGS = ("SIGTERM", "SIGHUP", "SIGBREAK")  # asked to end; the terminal was closed; Windows' Ctrl-Break


def end_as_after_interrupt() -> None:
    """Let whatever ends this process do what Ctrl-C does, but for what is ignored, as nohup has it."""
    for name in ENDINGS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def take_every_letter() -> None:
    """Write UTF-8 into files and pipes, whatever the system's encoding; no character is an error anywhere."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def follow(run: Run, quiet: bool) -> None:
    """Show a run's progress until it ends. Ctrl-C asks it to stop; a second one does not wait for that."""
    from tqdm import tqdm

    from vgg_demo.runs.reader import RunReader

    reader = RunReader(run)
    asked_to_stop = False
    interval = 0.1 if sys.stderr.isatty() else 5.0  # a file needs no animation
    with tqdm(
        total=run.config().train.total_steps,
        unit="step",
        disable=quiet,
        file=sys.stderr,
        dynamic_ncols=True,
        desc=run.name,
        mininterval=interval,
        maxinterval=interval,
    ) as bar:
        while True:
            try:
                status = run.status()
                curve = reader.refresh()
                if curve.steps:
                    bar.set_postfix(loss=f"{curve.losses[-1]:.4f}", refresh=False)
                    bar.update(curve.steps[-1] - bar.n)
                if not status.is_active and status.state != "queued":
                    return
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if asked_to_stop:
                    raise
                asked_to_stop = True
                run.send("stop")
