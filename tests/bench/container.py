"""Run the steps of envs/Containerfile, and a study, in a folder with Debian.

No program for containers is needed:

    debootstrap --variant=minbase bookworm ROOT
    python tests/bench/container.py ROOT

Needs root. What follows USER runs as that user, on a read-only root with a /tmp of its own, as
`podman run --read-only` does. Prints each step and its seconds.
"""

import argparse
import io
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "envs"), str(ROOT / "scripts")]

from containers import steps  # noqa: E402
from ecdysis.phantom.bids import write_bids  # noqa: E402
from ecdysis.phantom.head import HeadSettings  # noqa: E402

PASSED = ("PIP_", "SSL_", "REQUESTS_", "HTTP", "http", "NO_PROXY", "no_proxy")
"""Beginnings of the variables that a build needs to reach packages."""
USER = "1000"
CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"


def build(root: Path) -> dict[str, str]:
    """Run the steps; return the variables of the image."""
    variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    given = {key: value for key, value in os.environ.items() if key.startswith(PASSED)}
    for name, value in steps((ROOT / "envs/Containerfile").read_text()):
        began = time.monotonic()
        if name == "ENV":
            key, _, text = value.partition("=")
            variables[key] = text
        elif name == "COPY":
            _copy(*value.split(), root)
        elif name == "RUN":
            command = [CHROOT, str(root), "/bin/sh", "-ec", value]
            subprocess.run(command, env={**given, **variables}, check=True)
        print(f"{time.monotonic() - began:6.0f} s  {name} {value}", flush=True)
    return variables


def _copy(source: str, target: str, root: Path) -> None:
    """Copy a file, or all that is committed."""
    place = root / target.lstrip("/")
    if source != ".":
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, place)
        return
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(place, filter="data")


def run(root: Path, variables: Mapping[str, str], study: Path, words: list[str]) -> int:
    """Run the entry point as a user on a read-only root; return its exit status."""
    command = shlex.join(["ecdysis", *words])
    mounts = f"""
        mount --bind {root} {root} && mount -o remount,ro,bind {root}
        mount -t tmpfs none {root}/tmp && chmod 1777 {root}/tmp
        mount -t proc proc {root}/proc && mount --bind /dev {root}/dev
        mount --bind {study} {root}/mnt
        exec {CHROOT} --userspec={USER}:{USER} {root} /bin/sh -c 'cd /tmp && exec "$@"' sh {command}
    """
    call = ["unshare", "--mount", "/bin/sh", "-ec", mounts]
    # The programs of the host that mount are in /usr/sbin too.
    environment = {**variables, "PATH": f"{variables['PATH']}:/usr/sbin"}
    return subprocess.run(call, env=environment, check=False).returncode


def main() -> None:
    """Build, make a phantom, and process it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="a folder with Debian, as of debootstrap")
    root = parser.parse_args().root.resolve()
    variables = build(root)
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        study.chmod(0o755)
        write_bids(study, 1, settings=HeadSettings(spacing_mm=(4.0, 4.0, 4.0)))
        subprocess.run(["chown", "-R", f"{USER}:{USER}", study], check=True)
        began = time.monotonic()
        words = ["/mnt", "/mnt/derivatives/ecdysis", "participant", "--cores", "2"]
        status = run(root, variables, study, words)
        print(
            f"{time.monotonic() - began:6.0f} s  ecdysis {shlex.join(words)}: exit status {status}"
        )
        made = sorted((study / "derivatives/ecdysis").rglob("*desc-brain*_T1w.nii.gz"))
        print("\n".join(str(path.relative_to(study)) for path in made))


if __name__ == "__main__":
    main()
