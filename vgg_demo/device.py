"""Where a network is computed, and how precisely: what a config asks for, as far as this machine has it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from vgg_demo.errors import ConfigError, OutOfMemoryError
from vgg_demo.text import N_

if TYPE_CHECKING:
    from lightning_fabric import Fabric

CPU_ALLOCATOR = "DefaultCPUAllocator"
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # of Intel's and AMD's processors, and of Arm's


def make_fabric(device: str = "cpu", precision: str = "32-true") -> Fabric:
    """Lightning Fabric, launched: on one device, or where torchrun started several processes, on one for each.

    device and precision as in TrainConfig. Raises ConfigError when this machine has no such device.
    """
    check_available(device)
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it says which precision it uses, each time
    precision = precision_here(device, precision)
    if not dist.is_initialized():
        # named, because looking for a cluster fails where mpi4py is installed and MPI is not
        alone = LightningEnvironment()
        fabric = Fabric(accelerator=device, devices=1, precision=precision, plugins=alone)  # type: ignore[arg-type]
    else:
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        fabric = Fabric(
            accelerator="cpu" if device == "auto" and not torch.cuda.is_available() else device,
            strategy="ddp",
            devices=here,
            num_nodes=dist.get_world_size() // here,
            precision=precision,  # type: ignore[arg-type]
        )
    fabric.launch()
    return fabric


def check_available(device: str) -> None:
    """Raises ConfigError when this machine has no such device, named as in TrainConfig."""
    if not is_available(device):
        raise ConfigError(N_("device {device!r}: this machine has none; choose auto or cpu"), device=device)


def is_available(device: str) -> bool:
    """Whether this machine has a device, named as in TrainConfig."""
    if device == "cuda":
        return torch.cuda.is_available()
    return device != "mps" or torch.backends.mps.is_available()


@contextmanager
def typed_memory_errors() -> Iterator[None]:
    """Turn what Python and torch raise when memory is used up into OutOfMemoryError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # beside a GPU torch has a type for it; on a CPU it is a RuntimeError that begins with the allocator's name
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and CPU_ALLOCATOR not in str(error):
            raise
        raise OutOfMemoryError(
            N_("there is not enough memory for this network; choose a smaller batch, image size or width")
        ) from error


def precision_here(device: str, precision: str) -> str:
    """The precision that this machine computes with where a config asks for one; both as in TrainConfig.

    Where a processor has no instructions for bfloat16 it takes eleven times as long as 32 bits for the preset best.
    """
    return "32-true" if precision == "bf16-mixed" and not has_bfloat16(device) else precision


def has_bfloat16(device: str) -> bool:
    """Whether the device computes with bfloat16 faster than with 32 bits. device: as in TrainConfig."""
    if device in ("auto", "cuda") and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "mps" or (device == "auto" and torch.backends.mps.is_available()):
        return True
    has_kernels = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    instructions = torch.cpu.get_capabilities()
    return has_kernels and any(instructions.get(name) for name in BFLOAT16_INSTRUCTIONS)
