"""What the process has loaded from which the workers of tests.forked are forked."""

from __future__ import annotations

import lightning_fabric  # noqa: F401
import pytest  # noqa: F401
import torch._dynamo  # noqa: F401

import tests.forked  # noqa: F401
