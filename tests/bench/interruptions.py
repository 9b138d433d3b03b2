"""Kill runs at random moments, complete them by the commands that they tell, compare the results.

    PYTHONPATH=scripts:. python tests/bench/interruptions.py [--kills 20] [--ants] [--until RULE...]

Prints a row for each kill: what was killed (the ``run``, a ``job``, the whole process
``group``), when, how many commands completed it, partial files under a final name (0 is
expected), and whether all results are the same bytes as those of an undisturbed run. Logs,
benchmarks and Snakemake's own folder are not compared, and pages only by their being there,
since they show dates and durations. Rules given by ``--until`` end the runs earlier. With
``--ants`` there is one kill of each kind in a run that strips skulls by ANTs.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from ecdysis.phantom.bids import TRUTH, write_bids
from ecdysis.phantom.head import HeadSettings

from tests.hostile.faults import completed, finished, kill, partial_files, snapshot, started

KINDS = ("run", "job", "group")
SEED = 20
SMALL = HeadSettings(spacing_mm=(4.0, 4.0, 4.0))
CHANGING = (".ecdysis/manifest.json", ".ecdysis/discovered.json")


def same(found: dict[str, str], whole: dict[str, str]) -> bool:
    """Whether two runs left the same results."""
    return {k: v for k, v in found.items() if k not in CHANGING} == {
        k: v for k, v in whole.items() if k not in CHANGING
    }


def main() -> int:
    """Print the table; the exit status says whether all was as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--ants", action="store_true")
    parser.add_argument("--until", nargs="*", default=[])
    asked = parser.parse_args()
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as scratch:
        cwd = Path(scratch)
        root = cwd / "study"
        write_bids(root, 1, settings=SMALL)
        method = "{method: ants}" if asked.ants else f"{{method: none, masks: {root / TRUTH}}}"

        def arguments(output: Path) -> tuple[str, ...]:
            until = ("--until", *asked.until) if asked.until else ()
            return (
                *until,
                "--config",
                f"bids_dir={root}",
                f"output_dir={output}",
                f"skullstrip={method}",
            )

        began = time.monotonic()
        completed(cwd, *arguments(cwd / "whole"))
        seconds = time.monotonic() - began
        whole = snapshot(cwd / "whole")
        print(f"An undisturbed run took {seconds:.0f} s and left {len(whole)} files.\n")
        print("| killed | after (s) | commands to complete | partial files | same bytes |")
        print("|---|---|---|---|---|")
        good = True
        for number in range(len(KINDS) if asked.ants else asked.kills):
            what, after = KINDS[number % len(KINDS)], chance.uniform(0.05, 0.95) * seconds
            output, killed, earlier = cwd / f"out{number}", False, 1.0
            while not killed:
                # A run that was over before its moment came was killed by nobody.
                shutil.rmtree(output, ignore_errors=True)
                run = started(cwd, *arguments(output))
                time.sleep(after * earlier)
                while run.poll() is None and not (killed := kill(run, what)):
                    time.sleep(0.05)
                finished(run)
                killed = killed and (what == "job" or run.returncode == -signal.SIGKILL)
                earlier *= 0.7
            after *= earlier / 0.7
            partial = partial_files(output, whole)
            told = completed(cwd, *arguments(output))
            equal = same(snapshot(output), whole)
            good &= equal and not partial and not any("Traceback" in text for text in told)
            row = [what, f"{after:.1f}", len(told), len(partial), "yes" if equal else "NO"]
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
            if not equal:
                found = snapshot(output)
                print([k for k in {*found, *whole} if found.get(k) != whole.get(k)])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
