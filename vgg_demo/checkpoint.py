"""A trained network in one safetensors file: weights, and in the header config, metrics and the data's checksums.

A safetensors file holds numbers and text only, so a checkpoint from a stranger can be opened without fear.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from vgg_demo.config import RunConfig
from vgg_demo.errors import CheckpointError, ConfigError, FormatError, StorageError
from vgg_demo.files import replacing
from vgg_demo.mnist_files import CHECKSUMS
from vgg_demo.model import VGG
from vgg_demo.schema import RESULT, parse_json, read_table, text
from vgg_demo.text import N_

FORMAT = "vgg-demo-1"
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself. metrics: steps, average_loss, val_accuracy and the like, as far as known."""

    config: RunConfig
    metrics: dict[str, Any]
    dataset: dict[str, str]


def save_checkpoint(path: Path, network: VGG, config: RunConfig, metrics: dict[str, Any]) -> None:
    """Write the network to path, whole or not at all. Raises StorageError when it cannot be written."""
    header = {
        "format": FORMAT,
        "config": json.dumps(config.to_dict()),
        "metrics": json.dumps(metrics),
        "dataset": json.dumps(CHECKSUMS),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    try:
        with replacing(path) as temporary:
            save_file(tensors, temporary, header)
    except (OSError, SafetensorError) as error:
        raise StorageError(
            N_("{path} cannot be written ({error}): free some space or choose another folder"), path=path, error=error
        ) from error


def read_header(path: Path) -> Header:
    """What the checkpoint says of itself, without its weights. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(
            N_("{path}: there is no such file; give the path of a {suffix} file"), path=path, suffix=SUFFIX
        )
    try:
        with safe_open(path, "pt") as file:
            texts = file.metadata() or {}
        if texts.get("format") != FORMAT:
            raise CheckpointError(
                N_("{path}: it was not written by VGG Demo; train a network or pick another file"), path=path
            )
        return Header(
            RunConfig.from_dict(parse_json(texts["config"])),
            read_table(parse_json(texts["metrics"]), RESULT),
            read_table(parse_json(texts["dataset"]), dict.fromkeys(CHECKSUMS, text)),
        )
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            N_("{path}: it is not a checkpoint, or it is cut short; copy it again ({error})"), path=path, error=error
        ) from error
    except (KeyError, FormatError, ConfigError) as error:
        raise CheckpointError(
            N_("{path}: its header is damaged ({error}); copy it again or train again"), path=path, error=error
        ) from error


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> tuple[VGG, Header]:
    """The network, ready to be asked (in eval mode), and what its checkpoint says.

    Raises CheckpointError when the file is missing, damaged, or its weights do not fit the network it describes.
    """
    header = read_header(path)
    try:
        with safe_open(path, "pt") as file:
            # copies, for safe_open maps the file, and Windows lets no one replace a file that is mapped
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118, it is no dict
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            N_("{path}: it is damaged or cut short; copy it again ({error})"), path=path, error=error
        ) from error
    with torch.device("meta"):  # no memory is taken and no random number drawn before the weights are seen to fit
        network = VGG(header.config.model)
    expected = network.state_dict()
    if {n: (t.shape, t.dtype) for n, t in tensors.items()} != {n: (t.shape, t.dtype) for n, t in expected.items()}:
        raise CheckpointError(
            N_(
                "{path}: its weights belong to another network than its header says ({plan}, "
                "width {width:g}); use the file that was written with this config"
            ),
            path=path,
            plan=header.config.model.plan,
            width=header.config.model.width,
        )
    network.load_state_dict(tensors, assign=True)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise CheckpointError(
            N_("{path}: its weights are not all numbers (NaN or infinite); the training had failed"), path=path
        )
    return network.to(device, memory_format=torch.channels_last).eval(), header  # type: ignore[call-overload]
