"""python -m vgg_demo …: what the page can do, without a browser.

Every command takes --json (one JSON document on standard output, nothing else). Exit status: 0 on success, 2 on bad
input with one line that says what was wrong and what would be right, 1 when a run failed or a picture was unreadable.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vgg_demo.architecture import count_parameters
from vgg_demo.errors import ImageError, RunFailedError, RunNotFoundError, StorageError
from vgg_demo.presets import DEFAULT_PRESET, PRESETS, get_preset
from vgg_demo.terminal import end_as_after_interrupt, follow, json_option, print_json, run
from vgg_demo.text import format_duration, percent, percent_or_dash

if TYPE_CHECKING:
    from vgg_demo.evaluation import Evaluation
    from vgg_demo.runs.store import Run

checkpoint_option = click.option(
    "--checkpoint", metavar="PATH|RUN|NAME", help="A .safetensors file, a run or a shipped model; 'best' without it."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train a VGG network on MNIST, evaluate it, and read digits with it."""


@cli.command()
@json_option
def presets(as_json: bool) -> None:
    """List the presets, with their parameters and the time each takes here."""
    from vgg_demo.runs.cost import estimate_seconds
    from vgg_demo.runs.cost import main as measure_budget

    if not as_json and any(estimate_seconds(p.config) is None for p in PRESETS.values()):
        click.echo("Measuring how long each takes on this machine (once, about a minute) …", err=True)
    measure_budget([])
    rows: list[dict[str, Any]] = [
        {
            "name": preset.name,
            "what": preset.what,
            "purpose": preset.purpose,
            "parameters": count_parameters(preset.config.model),
            "seconds": estimate_seconds(preset.config),
            "config": preset.config.to_dict(),
        }
        for preset in PRESETS.values()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        took = "?" if row["seconds"] is None else format_duration(row["seconds"])
        click.echo(f"{row['name']:<11} {row['parameters']:>11,} parameters  about {took:>6} here  {row['what']}")


@cli.command()
@click.option("--preset", default=None, metavar="NAME", help=f"One of {', '.join(PRESETS)}; {DEFAULT_PRESET} without.")
@click.option("--run", "--name", "name", metavar="NAME", help="The run's name; the preset's and a number without it.")
@click.option("--epochs", type=int, help="How often to go through all images.")
@click.option("--steps", type=int, help="How many batches in all; decides instead of --epochs.")
@click.option("--lr", "--learning-rate", "learning_rate", type=float, help="Learning rate.")
@click.option("--batch-size", type=int, help="Images per batch.")
@click.option("--init", type=str, metavar="pytorch|he", help="How the weights are drawn.")
@click.option("--batch-norm/--no-batch-norm", default=None, help="Batch normalisation after each convolution.")
@click.option("--image-size", type=int, help="Pixels a side that digits are resized to.")
@click.option("--width", type=float, help="Multiplies the channels of every layer.")
@click.option("--seed", type=int, help="Decides initial weights and the order of images.")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")
@click.option("--resume", is_flag=True, help="Go on with the run that --run names.")
@click.option("--detach", is_flag=True, help="Start it and return at once: it goes on when the terminal is closed.")
@json_option
def train(preset: str | None, name: str | None, resume: bool, detach: bool, as_json: bool, **changes: Any) -> None:
    """Train a network and follow it. Ctrl-C, or closing the terminal, stops it and keeps what was learned.

    Started by torchrun, several processes train it together: torchrun --nproc-per-node=2 -m vgg_demo train …
    """
    if resume and name is None:
        raise click.UsageError("--resume: say which run with --run NAME")
    if resume and (preset is not None or any(value is not None for value in changes.values())):
        raise click.UsageError("--resume goes on with the run's own settings; leave the others away")

    in_torchrun = int(os.environ.get("WORLD_SIZE", "1")) > 1 and "TORCHELASTIC_RUN_ID" in os.environ

    def open_run() -> Run:
        from vgg_demo.runs.manager import resume_run, start_run
        from vgg_demo.runs.store import get_run, list_runs

        attached = not (in_torchrun or detach)
        if not resume:
            config = get_preset(preset or DEFAULT_PRESET).config.with_changes(**changes)
            if config.train.device != "auto":
                from vgg_demo.device import check_available

                check_available(config.train.device)  # a machine without it: no failed run is left
            return start_run(config, name, here=in_torchrun, attached=attached)
        try:
            run = get_run(name or "")
        except RunNotFoundError as error:
            names = ", ".join(run.name for run in list_runs())
            raise RunNotFoundError(f"{error}; {f'runs are {names}' if names else 'there are no runs yet'}") from None
        resume_run(run, here=in_torchrun, attached=attached)
        return run

    if in_torchrun:
        from vgg_demo.runs.torchrun import train_together

        def on_open(run: Run) -> None:
            threading.Thread(target=follow, args=(run, as_json), daemon=True).start()

        if run := train_together(open_run, on_open):  # in process 0 alone
            report(run, as_json)
    elif not detach:
        end_as_after_interrupt()
        run = open_run()
        follow(run, quiet=as_json)
        report(run, as_json)
    elif as_json:
        run = open_run()
        print_json({"run": run.name, "preset": run.config().preset, "checkpoint": str(run.checkpoint_path)})
    else:
        click.echo(f"{open_run().name}: trains by itself; follow and stop it on the page")


def report(run: Run, as_json: bool) -> None:
    """Print the figures of a run that is over. Raises RunFailedError when it failed."""
    status = run.status()
    if status.state == "failed":
        raise RunFailedError(f"run {run.name!r} failed: {status.reason}")
    result = status.result or {}
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{run.name}: {status.state} after {result['steps']} steps in {result['seconds']:.1f} s "
        f"({result['images_per_second']:.0f} images/s)"
    )
    if result["average_loss"] is not None:
        click.echo(f"loss, mean of the last epoch {result['average_loss']:.4f}")
    if result["val_accuracy"] is not None:
        click.echo(f"validation accuracy {percent(result['val_accuracy'])}")
    click.echo(f"checkpoint {result['checkpoint']}")


@cli.command()
@checkpoint_option
@click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER|ZIP", help="Pictures in 0/… to 9/… instead.")
@click.option(
    "--answers", type=click.Path(path_type=Path), metavar="FILE", help="Write every answer to a .safetensors file."
)
@json_option
def evaluate(checkpoint: str | None, images: Path | None, answers: Path | None, as_json: bool) -> None:
    """Measure a network on the 10,000 test digits, or on pictures of your own."""
    from tqdm import tqdm

    from vgg_demo.checkpoint import load_checkpoint
    from vgg_demo.data import load_test
    from vgg_demo.drawing.labelled_folder import read_folder, read_zip
    from vgg_demo.evaluation import predict as predict_digits
    from vgg_demo.evaluation import summarise_predictions
    from vgg_demo.predictions import save_predictions
    from vgg_demo.runs.checkpoints import find_checkpoint, run_of_checkpoint
    from vgg_demo.runs.reveals import add_reveal

    path = find_checkpoint(checkpoint)
    network, header = load_checkpoint(path)
    digits, left_out = load_test(), []
    if images is not None:
        own = read_zip(images) if images.is_file() else read_folder(images)
        digits, left_out = own.digits, [{"name": file.name, "reason": file.reason} for file in own.left_out]
    with tqdm(unit="image", disable=as_json, file=sys.stderr, leave=False) as bar:

        def on_progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        predictions = predict_digits(network, digits, on_progress)
    result = summarise_predictions(predictions)
    if answers is not None:
        try:
            save_predictions(answers, predictions)
        except OSError as error:
            raise StorageError(f"{answers} cannot be written ({error.strerror or error})") from error
    if images is None and (run := run_of_checkpoint(path)):  # each look at a run's test result is counted
        add_reveal(run, "")
    if as_json:
        print_json({**result.to_dict(), "checkpoint": str(path), "preset": header.config.preset, "left_out": left_out})
        return
    for file in left_out:
        click.echo(f"left out: {file['name']}: {file['reason']}", err=True)
    show_evaluation(path, result)


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


@cli.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER…", type=click.Path(path_type=Path))
@checkpoint_option
@json_option
def predict(images: tuple[Path, ...], checkpoint: str | None, as_json: bool) -> None:
    """Read pictures of digits, or all pictures of a folder, in either polarity.

    What cannot be read is listed, and the exit status is then 1; 2 when one picture alone was asked for.
    """
    from vgg_demo.checkpoint import load_checkpoint
    from vgg_demo.drawing.image_files import list_pictures
    from vgg_demo.drawing.predict import as_row, read_files
    from vgg_demo.runs.checkpoints import find_checkpoint

    network, _ = load_checkpoint(find_checkpoint(checkpoint))
    paths = list_pictures(images)
    rows = [as_row(path, found) for path, found in zip(paths, read_files(network, paths), strict=True)]
    unreadable = [row["error"] for row in rows if row["error"]]
    if unreadable and paths == [images[0]]:
        raise ImageError(unreadable[0])
    if as_json:
        print_json(rows)
    else:
        show_answers(rows)
    for error in unreadable:
        click.echo(f"error: {error}", err=True)
    if unreadable:
        raise click.exceptions.Exit(1)


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


@cli.command()
@click.option("--preset", metavar="NAME", help=f"One of {', '.join(PRESETS)}; blog-mini without.")
@click.option("--checkpoint", metavar="PATH|RUN|NAME", help="A .safetensors file, a run or a shipped model instead.")
@click.option(
    "--steps", type=click.IntRange(0, 100_000), help="Steps of training; 50 for a preset, 0 for a checkpoint."
)
@json_option
def diagnose(preset: str | None, checkpoint: str | None, steps: int | None, as_json: bool) -> None:
    """Say why a network learns or does not: signal, gradient and update of every layer."""
    from vgg_demo.diagnosis.checks import diagnose_checkpoint, diagnose_preset, document, table
    from vgg_demo.runs.checkpoints import find_checkpoint
    from vgg_demo.runs.reader import RunReader
    from vgg_demo.runs.store import Run

    if preset is not None and checkpoint is not None:
        raise click.UsageError("--preset and --checkpoint: give one of them")
    if checkpoint is not None:
        path = find_checkpoint(checkpoint)
        recorded = RunReader(Run(path.parent)).refresh()  # nothing where no run lies beside it
        verdict, diagnosis = diagnose_checkpoint(path, steps or 0, recorded.diagnoses, recorded.losses, recorded.epochs)
    else:
        config = get_preset(preset or "blog-mini").config
        verdict, diagnosis = diagnose_preset(config, 50 if steps is None else steps)
    print_json(document(verdict, diagnosis)) if as_json else click.echo(table(verdict, diagnosis))


def main() -> int:
    """Run the command line."""
    return run(cli)


if __name__ == "__main__":
    sys.exit(main())
