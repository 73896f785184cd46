"""What all commands share: exit statuses, JSON, UTF-8, Ctrl-C; and showing the progress of a run."""

from __future__ import annotations

import io
import json
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from vgg_demo.errors import RunFailedError, VggDemoError

if TYPE_CHECKING:
    from vgg_demo.runs.store import Run

POLL_SECONDS = 0.1
ENDINGS = ("SIGTERM", "SIGHUP", "SIGBREAK")  # asked to end; the terminal was closed; Windows' Ctrl-Break

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def run(cli: click.Group | click.Command) -> int:
    """Run a command line; errors of this project become one line and an exit status."""
    write_utf8()
    try:
        return cli(standalone_mode=False) or 0  # click returns the status of what ended by click.exceptions.Exit
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return 2
    except VggDemoError as error:
        click.echo(f"error: {error}", err=True)
        return 1 if isinstance(error, RunFailedError) else 2


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False))


def end_as_after_interrupt() -> None:
    """Handle the signals that end a process as Ctrl-C is handled, but not those that are ignored, as under nohup."""
    for name in ENDINGS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def write_utf8() -> None:
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
