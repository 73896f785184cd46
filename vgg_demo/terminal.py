"""What all commands share: exit statuses, JSON, UTF-8, Ctrl-C; and how runs and results look in a terminal."""

from __future__ import annotations

import io
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from vgg_demo.errors import RunError, RunFailedError, RunNotFoundError, VggDemoError
from vgg_demo.text import percent, percent_or_dash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vgg_demo.config import RunConfig
    from vgg_demo.evaluation import Evaluation
    from vgg_demo.runs.store import Run

POLL_SECONDS = 0.1

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def run(cli: click.Group | click.Command, arguments: list[str] | None = None) -> int:
    """Run a command line; errors of this project become one line and an exit status. arguments: instead of sys.argv."""
    write_utf8()
    try:
        return (
            cli(arguments, standalone_mode=False) or 0
        )  # click returns the status of what ended by click.exceptions.Exit
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return 2
    except ModuleNotFoundError as error:
        click.echo(f"error: the library {error.name} is missing; doctor says how to install it", err=True)
        return 1
    except VggDemoError as error:
        click.echo(f"error: {error}", err=True)
        return 1 if isinstance(error, RunFailedError) else 2


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False))


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
    asked_to_stop = has_said = False
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
                if status.is_over:
                    return
                if status.state == "queued" and not (quiet or has_said):
                    has_said = True
                    bar.write(f"{run.name}: {why_it_waits()}", file=sys.stderr)
                time.sleep(POLL_SECONDS)
            except KeyboardInterrupt:
                if asked_to_stop:
                    raise
                asked_to_stop = True
                stop(run)


def stop(run: Run) -> None:
    """Take a run out of the queue, or ask its process to stop."""
    from vgg_demo.runs.manager import withdraw_run

    try:
        withdraw_run(run)
    except RunError:  # it has begun
        run.send("stop")


def why_it_waits() -> str:
    """Why a run that was started has not begun: it is for a cluster."""
    from vgg_demo.runs.class_settings import read_class_settings
    from vgg_demo.runs.engines import engine

    if read_class_settings().queue_paused:
        return "waits; the teacher has paused the queue"
    return f"waits for the cluster; {engine().problem() or 'it begins as soon as a machine has room'}"


def require_one_source(
    name: str | None, class_digits: str | None, start_from: str | None, resume: bool, has_settings: bool
) -> None:
    """Raise click.UsageError where the options of train ask for settings, a run's and a network's, at the same time."""
    if resume and name is None:
        raise click.UsageError("--resume: say which run with --run NAME")
    if resume and (has_settings or class_digits or start_from):
        raise click.UsageError("--resume goes on with the run's own settings; leave the others away")
    if class_digits and has_settings:
        raise click.UsageError("--class-digits goes on from a network as it is; leave the settings away")
    if start_from and not class_digits:
        raise click.UsageError("--start-from: say with whose digits it goes on with --class-digits")


def begin(
    config: RunConfig, name: str | None, here: bool, attached: bool, prepare: Callable[[Run], None] | None = None
) -> Run:
    """Start a new run; a device that this machine lacks is said before there is one. Arguments as of start_run."""
    from vgg_demo.runs.manager import start_run

    if config.train.device != "auto":
        from vgg_demo.device import check_available

        check_available(config.train.device)
    return start_run(config, name, here, attached, prepare)


def go_on(name: str, here: bool, attached: bool) -> Run:
    """Resume a run. Raises RunNotFoundError, which names those that there are."""
    from vgg_demo.runs.manager import resume_run
    from vgg_demo.runs.store import get_run, list_runs

    try:
        run = get_run(name)
    except RunNotFoundError as error:
        names = ", ".join(run.name for run in list_runs())
        raise RunNotFoundError(f"{error}; {f'runs are {names}' if names else 'there are no runs yet'}") from None
    resume_run(run, here=here, attached=attached)
    return run


def report(run: Run, as_json: bool) -> None:
    """Print the figures of a run that is over. Raises RunFailedError when it failed."""
    status = run.status()
    if status.state == "failed":
        raise RunFailedError(f"run {run.name!r} failed: {status.reason}")
    result = status.result or {}
    outcome = {}
    if run.class_digits_path.is_file() and run.checkpoint_path.is_file():
        from vgg_demo.collection.outcome import measure_outcome

        outcome = measure_outcome(run).to_dict()
        result = {**result, "class_digits": outcome}
    if as_json:
        print_json(result)
        return
    if not result:
        click.echo(f"{run.name}: {status.reason}")
        return
    click.echo(
        f"{run.name}: {status.state} after {result['steps']} steps in {result['seconds']:.1f} s "
        f"({result['images_per_second']:.0f} images/s)"
    )
    if result["average_loss"] is not None:
        click.echo(f"loss, mean of the last epoch {result['average_loss']:.4f}")
    if result["val_accuracy"] is not None:
        click.echo(f"validation accuracy {percent(result['val_accuracy'])}")
    for digits, change in outcome.items():
        click.echo(
            f"{digits}: {change['before']:,} of {change['n']:,} right before, {change['after']:,} after "
            f"(newly right {change['gained']:,}, newly wrong {change['lost']:,}, McNemar p {change['p_value']:.3f})"
        )
    click.echo(f"checkpoint {result['checkpoint']}")


def show_evaluation(path: Path, result: Evaluation) -> None:
    """Print the figures and the confusion matrix."""
    low, high = result.interval
    click.echo(
        f"{path}\naccuracy {percent(result.accuracy)} ({result.correct:,} of {result.n:,} right; "
        f"95 % interval {percent(low)} to {percent(high)}), loss {result.loss:.4f}, {result.seconds:.1f} s\n"
    )
    click.echo("rows: the true digit, columns: the answer")
    click.echo("     " + "".join(f"{digit:>6}" for digit in range(10)))
    for digit, row in enumerate(result.confusion_matrix):
        click.echo(f"{digit:>5}" + "".join(f"{count:>6}" for count in row))
    click.echo("\ndigit  precision    recall        F1  images")
    for c in result.per_class:
        precision, recall, f1 = (percent_or_dash(share) for share in (c.precision, c.recall, c.f1))
        click.echo(f"{c.digit:>5}  {precision:>9}  {recall:>8}  {f1:>8}  {c.support:>6}")


def show_answers(rows: list[dict[str, Any]]) -> None:
    """One line for each picture that could be read."""
    for row in rows:
        if row["error"]:
            continue
        if row["blank"]:
            click.echo(f"{row['image']}: blank or too faint, nothing stands out from the background")
        elif len(row["digits"]) > 1:
            click.echo(f"{row['image']}: {''.join(str(digit) for digit in row['digits'])}")
        elif row["looks_like_two"]:
            click.echo(f"{row['image']}: it looks like two digits that touch; leave room between them")
        elif not row["can_tell"]:
            click.echo(f"{row['image']}: it looks like no digit; most like a {row['digit']}")
        else:
            click.echo(f"{row['image']}: {row['digit']} ({percent(max(row['probabilities']), 1)} sure)")
