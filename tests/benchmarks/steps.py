"""A training that takes one step for each line on standard input, and says what it took.

python -m tests.benchmarks.steps ours|story CONFIG   the config as JSON; it ends when standard input is closed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import psutil

from vgg_demo.config import RunConfig


def main(loop: str, config: RunConfig) -> int:
    """Answer each line with {"seconds", "peak_bytes"}, one JSON document a line."""
    steps: Iterator[float]
    if loop == "ours":
        from tests.benchmarks.loops import our_steps
        from vgg_demo.data import load_train

        steps = our_steps(config, load_train())
    else:
        from tests.benchmarks.story import story_steps

        steps = story_steps(config)
    for _line in sys.stdin:
        started = time.perf_counter()
        next(steps)
        print(json.dumps({"seconds": time.perf_counter() - started, "peak_bytes": peak_bytes()}), flush=True)
    return 0


def peak_bytes() -> int:
    """The most memory that this process has had so far; on Windows and others what the system says."""
    try:
        import resource
    except ImportError:
        info = psutil.Process().memory_info()
        return int(getattr(info, "peak_wset", info.rss))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], RunConfig.from_dict(json.loads(sys.argv[2]))))
