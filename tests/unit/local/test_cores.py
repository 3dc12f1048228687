"""Usher on one core, the vendors on the others."""

import os
import subprocess
import sys

import pytest

from infra.local.cores import on_one_core

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="this machine has one core, or does not say which",
)


def test_this_process_has_one_core_and_the_others_the_rest() -> None:
    allowed = os.sched_getaffinity(0)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with on_one_core(others=[other.pid]):
            ours = os.sched_getaffinity(0)
            assert len(ours) == 1
            assert os.sched_getaffinity(other.pid) == allowed - ours
        assert os.sched_getaffinity(0) == allowed
    finally:
        other.communicate()


def test_a_process_that_has_ended_is_nobody_s_failure() -> None:
    other = subprocess.Popen([sys.executable, "-c", ""])
    other.wait()
    with on_one_core(others=[other.pid]):
        assert len(os.sched_getaffinity(0)) == 1
