"""Fuzz a target for as long as is asked, and say what was found.

PYTHONPATH=scripts:. python -m tests.fuzz.run cleaner --seconds 600
"""

import argparse
import sys
import time

from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.mutate import inputs
from tests.fuzz.targets import TARGETS, timed

BATCH = 5000


def main() -> int:
    """Run one target; the exit status says whether it failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=600)
    given_arguments = parser.parse_args()
    tried, until = 0, time.monotonic() + given_arguments.seconds
    target = TARGETS[given_arguments.target]

    @settings(max_examples=BATCH, deadline=None, database=None, print_blob=False,
              suppress_health_check=list(HealthCheck),
              phases=[Phase.generate, Phase.shrink])  # fmt: skip
    @given(inputs(given_arguments.target))
    def batch(data: bytes) -> None:
        nonlocal tried
        if time.monotonic() > until:
            return
        tried += 1
        with timed():
            target(data)

    while time.monotonic() < until:
        batch()
    print(f"{given_arguments.target}: {tried} inputs in {given_arguments.seconds:.0f} s, no crash")
    return 0


if __name__ == "__main__":
    sys.exit(main())
