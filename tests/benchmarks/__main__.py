"""python -m tests.benchmarks: measures the README's speed figures, side by side, on this machine."""

from __future__ import annotations

import json
import sys
from typing import TextIO

import click

from tests.benchmarks import PARTS
from vgg_demo.terminal import json_option, print_json, run


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Measure less, and leave out what takes long: under two minutes.")
@click.option("--only", multiple=True, type=click.Choice(list(PARTS)), help="Measure this part alone; can be repeated.")
@click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    default=1200.0,
    metavar="SECONDS",
    help="Training time that PyTorch's example may take to reach 99.0 %; 1,200 without it.",
)
@click.option(
    "--output", type=click.File("w", encoding="utf-8", lazy=False), metavar="FILE", help="Write all of it as JSON."
)
@json_option
def benchmark(quick: bool, only: tuple[str, ...], limit: float, output: TextIO | None, as_json: bool) -> None:
    """Measure the speed figures of the README, side by side, on this machine."""
    from tests.benchmarks.report import run_benchmark
    from tests.benchmarks.rows import Effort

    document = run_benchmark(Effort(quick, limit), only, (lambda line: None) if as_json else click.echo)
    if output is not None:
        json.dump(document, output, indent=1, ensure_ascii=False)
    if as_json:
        print_json(document)


if __name__ == "__main__":
    sys.exit(run(benchmark))
