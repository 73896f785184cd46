"""python -m vgg_demo …, or vgg-demo … where it is installed: what the page can do, without a browser; and the page.

Every command takes --json (one JSON document on standard output, nothing else). Exit status: 0 on success, 2 on bad
input with one line that says what was wrong and what would be right, 1 when a run failed or a picture was unreadable.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import click
except ImportError as broken:  # every other library is imported where it is used, so that doctor can name it
    sys.exit(f"error: the library click is missing or broken ({broken}); install what requirements.txt lists")

from vgg_demo import __version__
from vgg_demo.architecture import count_parameters
from vgg_demo.errors import StorageError
from vgg_demo.places import SERVER
from vgg_demo.presets import DEFAULT_PRESET, PRESETS, get_preset
from vgg_demo.terminal import (
    begin,
    follow,
    go_on,
    json_option,
    print_json,
    report,
    require_one_source,
    run,
    show_answers,
    show_evaluation,
)
from vgg_demo.text import format_duration

if TYPE_CHECKING:
    from vgg_demo.runs.store import Run

PRESETS_SECONDS = 45.0  # after which no further preset is measured

checkpoint_option = click.option(
    "--checkpoint", metavar="PATH|RUN|NAME", help="A .safetensors file, a run or a shipped model; 'best' without it."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """Train a VGG network on MNIST, evaluate it, and read digits with it. Alone, vgg-demo opens the page."""


@cli.command()
@json_option
def presets(as_json: bool) -> None:
    """List the presets, with their parameters and the time each takes here."""
    from vgg_demo.runs.cost import estimate_seconds
    from vgg_demo.runs.cost import main as measure_budget

    if not as_json and any(estimate_seconds(p.config) is None for p in PRESETS.values()):
        click.echo("Measuring how long each takes on this machine (once, at most about a minute) …", err=True)
    measure_budget([], PRESETS_SECONDS)
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
@click.option("--class-digits", metavar="COLLECTION|FILE", help="Go on from a network with a class's digits.")
@click.option("--start-from", metavar="PATH|RUN|NAME", help="The network for --class-digits; 'best' without it.")
@click.option("--resume", is_flag=True, help="Go on with the run that --run names.")
@click.option("--detach", is_flag=True, help="Start it and return at once: it goes on when the terminal is closed.")
@json_option
def train(
    preset: str | None, name: str | None, class_digits: str | None, start_from: str | None, resume: bool, detach: bool,
    as_json: bool, **changes: Any,
) -> None:  # fmt: skip
    """Train a network and follow it. Ctrl-C, or closing the terminal, stops it and keeps what was learned.

    Started by torchrun, several processes train it together: torchrun --nproc-per-node=2 -m vgg_demo train …
    """
    has_settings = preset is not None or any(value is not None for value in changes.values())
    require_one_source(name, class_digits, start_from, resume, has_settings)
    in_torchrun = int(os.environ.get("WORLD_SIZE", "1")) > 1 and "TORCHELASTIC_RUN_ID" in os.environ

    def open_run() -> Run:
        attached = not (in_torchrun or detach)
        if resume:
            return go_on(name or "", here=in_torchrun, attached=attached)
        if class_digits is not None:
            from vgg_demo.collection.material import plan_training

            config, prepare = plan_training(class_digits, start_from)
            return begin(config, name, in_torchrun, attached, prepare)
        return begin(get_preset(preset or DEFAULT_PRESET).config.with_changes(**changes), name, in_torchrun, attached)

    if in_torchrun:
        from vgg_demo.runs.torchrun import train_together

        def on_open(run: Run) -> None:
            threading.Thread(target=follow, args=(run, as_json), daemon=True).start()

        if run := train_together(open_run, on_open):  # in process 0 alone
            report(run, as_json)
    elif not detach:
        from vgg_demo.runs.processes import end_as_after_interrupt

        end_as_after_interrupt()
        run = open_run()
        follow(run, quiet=as_json)
        report(run, as_json)
    elif as_json:
        run = open_run()
        print_json({"run": run.name, "preset": run.config().preset, "checkpoint": str(run.checkpoint_path)})
    else:
        click.echo(f"{open_run().name}: trains by itself; follow and stop it on the page")


@cli.command()
@checkpoint_option
@click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER|ZIP", help="Pictures in 0/… to 9/… instead.")
@click.option(
    "--answers", type=click.Path(path_type=Path), metavar="FILE", help="Write every answer to a .safetensors file."
)
@json_option
def evaluate(checkpoint: str | None, images: Path | None, answers: Path | None, as_json: bool) -> None:
    """Measure a network on the 10,000 test digits, or on pictures of your own."""
    from vgg_demo.runs.checkpoints import find_checkpoint, run_of_checkpoint

    path = find_checkpoint(checkpoint)  # a name that is wrong is said before torch is loaded
    from tqdm import tqdm

    from vgg_demo.checkpoint import load_checkpoint
    from vgg_demo.data import load_test
    from vgg_demo.drawing.labelled_folder import read_folder, read_zip
    from vgg_demo.evaluation import predict as predict_digits
    from vgg_demo.evaluation import summarise_predictions
    from vgg_demo.predictions import save_predictions
    from vgg_demo.runs.reveals import add_reveal

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


@cli.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER…", type=click.Path(path_type=Path))
@checkpoint_option
@json_option
def predict(images: tuple[Path, ...], checkpoint: str | None, as_json: bool) -> None:
    """Read pictures of digits, or all pictures of a folder, in either polarity.

    What cannot be read is listed, and the exit status is then 1; 2 when one picture alone was asked for.
    """
    from vgg_demo.drawing.image_files import list_pictures, read_image
    from vgg_demo.runs.checkpoints import find_checkpoint

    path, paths = find_checkpoint(checkpoint), list_pictures(images)  # what is wrong is said before torch is loaded
    if len(images) == 1 and paths == [images[0]]:
        read_image(images[0])
    from vgg_demo.checkpoint import load_checkpoint
    from vgg_demo.drawing.predict import as_row, read_files

    network, _ = load_checkpoint(path)
    rows = [as_row(path, found) for path, found in zip(paths, read_files(network, paths), strict=True)]
    unreadable = [row["error"] for row in rows if row["error"]]
    if as_json:
        print_json(rows)
    else:
        show_answers(rows)
    for error in unreadable:
        click.echo(f"error: {error}", err=True)
    if unreadable:
        raise click.exceptions.Exit(1)


@cli.command()
@click.option("--preset", metavar="NAME", help=f"One of {', '.join(PRESETS)}; blog-mini without.")
@click.option("--checkpoint", metavar="PATH|RUN|NAME", help="A .safetensors file, a run or a shipped model instead.")
@click.option(
    "--steps", type=click.IntRange(0, 100_000), help="Steps of training; 50 for a preset, 0 for a checkpoint."
)
@json_option
def diagnose(preset: str | None, checkpoint: str | None, steps: int | None, as_json: bool) -> None:
    """Say why a network learns or does not: signal, gradient and update of every layer."""
    from vgg_demo.runs.checkpoints import find_checkpoint
    from vgg_demo.runs.reader import RunReader
    from vgg_demo.runs.store import Run

    if preset is not None and checkpoint is not None:
        raise click.UsageError("--preset and --checkpoint: give one of them")
    path = None if checkpoint is None else find_checkpoint(checkpoint)
    config = get_preset(preset or "blog-mini").config
    from vgg_demo.diagnosis.checks import diagnose_checkpoint, diagnose_preset, document, table

    if path is not None:
        recorded = RunReader(Run(path.parent)).refresh()  # nothing where no run lies beside it
        verdict, diagnosis = diagnose_checkpoint(path, steps or 0, recorded.diagnoses, recorded.losses, recorded.epochs)
    else:
        verdict, diagnosis = diagnose_preset(config, 50 if steps is None else steps)
    print_json(document(verdict, diagnosis)) if as_json else click.echo(table(verdict, diagnosis))


@cli.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check the installation and this machine: each line is fine, or says what to do. Exit status 1 when one does."""
    from vgg_demo.doctor import examine

    findings = examine()
    if as_json:
        print_json([{**vars(finding), "fine": finding.is_fine} for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'fine' if finding.is_fine else 'fault':<6}{finding.name:<16} {finding.found}")
            if finding.advice:
                click.echo(f"{'':<23}what to do: {finding.advice}")
    if not all(finding.is_fine for finding in findings):
        raise click.exceptions.Exit(1)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[STREAMLIT'S OPTIONS]")
def page(options: tuple[str, ...]) -> None:
    """Open the page in a browser; Ctrl-C ends its server. For example: page --server.port 8502"""
    from streamlit.web.cli import main as streamlit

    streamlit(["run", str(SERVER / "streamlit_app.py"), *options], standalone_mode=False)


def main() -> int:
    """Run the command line."""
    return run(cli)


def program() -> int:
    """Run the command line as the program that pip installs; without a command, open the page."""
    return run(cli, sys.argv[1:] or ["page"])


if __name__ == "__main__":
    sys.exit(main())
