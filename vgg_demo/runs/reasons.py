"""Why a run failed, in words for a person."""

from __future__ import annotations

import errno

from vgg_demo.errors import VggDemoError, first_line
from vgg_demo.text import N_

DIED = N_("the process died")
DISK_FULL = N_("the disk is full; free some space, then resume the run; what was saved before is untouched")


def explain(error: Exception) -> str:
    """What ended a run, as its reason."""
    import torch.distributed as dist

    if isinstance(error, VggDemoError):
        return str(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DISK_FULL
    if dist.is_initialized() and isinstance(error, RuntimeError):
        return (
            f"one of the {dist.get_world_size()} processes that train together has died, so all have ended "
            f"({first_line(error)}); resume the run, with as many processes as there are"
        )
    return first_line(error)
