"""How precisely a network is computed, by what the machine has instructions for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.helpers import TINY, RunsHere
from vgg_demo.checkpoint import load_checkpoint
from vgg_demo.device import make_fabric, precision_here

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.parametrize(
    ("instructions", "precision"),
    [
        ({"avx2": True, "avx512_bf16": False}, "32-true"),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, "32-true"),
        ({"avx512_f": True, "avx512_bf16": True}, "bf16-mixed"),
        ({"neon": True, "bf16": True}, "bf16-mixed"),
        ({"neon": True, "bf16": False}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_precision_here_bfloat16_asked_only_where_there_are_instructions(
    instructions: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)

    assert precision_here("cpu", "bf16-mixed") == precision
    assert precision_here("cpu", "32-true") == "32-true"


@pytest.mark.skipif(not CPUINFO.is_file(), reason="the system does not list its processor's instructions")
def test_make_fabric_on_this_processor_computes_in_bfloat16_where_the_system_lists_it() -> None:
    listed = {word for line in CPUINFO.read_text(encoding="utf-8").splitlines() for word in line.split()}
    is_listed = bool(listed & {"avx512_bf16", "amx_bf16", "bf16"})

    with make_fabric("cpu", "bf16-mixed").autocast():
        computed = nn.Conv2d(1, 1, 3)(torch.zeros(1, 1, 5, 5)).dtype

    assert computed == (torch.bfloat16 if is_listed else torch.float32)


def test_start_run_bfloat16_asked_checkpoint_says_what_was_done(runs_here: RunsHere) -> None:
    config = TINY.with_changes(steps=3, precision="bf16-mixed", device="cpu")

    run = runs_here.train(config)

    assert run.config() == config
    done = precision_here("cpu", "bf16-mixed")
    _network, header = load_checkpoint(run.checkpoint_path)
    assert header.config == config.with_changes(precision=done)
