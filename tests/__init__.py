"""The tests. Two test processes train at a time: with one thread each, none waits for a core that the other has."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is loaded; processes that a test starts inherit it
