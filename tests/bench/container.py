"""Build envs/Containerfile with podman, and process a phantom in the image.

    apt-get install podman crun debootstrap
    python tests/bench/container.py [OPTION ...]

Needs root. OPTIONs go to `podman build`, for example `-v` with the certificates of a proxy. Where
podman has no image of Debian, debootstrap makes it, so that no registry of images is needed. The
build uses chroot isolation. The run has a read-only root, user 1000 and no network. Prints the
seconds of each step, the exit status and the brains that were made.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "envs"), str(ROOT / "scripts")]

from containers import steps  # noqa: E402
from ecdysis.phantom.bids import write_bids  # noqa: E402
from ecdysis.phantom.head import HeadSettings  # noqa: E402

STORE = Path("/var/tmp/ecdysis-containers")
"""Images and layers, apart from those of the user; kept, so that a second call is quick."""
PODMAN = (
    *("podman", "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs"),
    *("--root", STORE / "images", "--runroot", STORE / "run", "--tmpdir", STORE / "tmp"),
)
CGROUP_2_ONLY = (
    *("unshare", "--mount", "/bin/sh", "-ec"),
    'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$@"',
    "sh",
)
"""crun works with cgroups of version 2 alone; other machines mount them for podman only."""
USER = "1000:1000"
IMAGE = "ecdysis-test"
LIMITS = ("--cgroups=disabled", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")


def podman(*words: str | Path) -> int:
    """Run podman; return its exit status."""
    hybrid = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
    command = [*(CGROUP_2_ONLY if hybrid else ()), *PODMAN, *words]
    return subprocess.run(command, check=False).returncode


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Print the seconds that a step takes."""
    began = time.monotonic()
    yield
    print(f"{time.monotonic() - began:6.0f} s  {step}", flush=True)


def make_base(name: str) -> None:
    """Make the base image from Debian's packages."""
    with tempfile.TemporaryDirectory() as folder:
        release = name.partition(":")[2].removesuffix("-slim")
        subprocess.run(["debootstrap", "--variant=minbase", release, folder], check=True)
        archive = subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE)
        subprocess.run([*PODMAN, "import", "-", name], stdin=archive.stdout, check=True)


def main() -> None:
    """Build the image, make a phantom, and process it."""
    base = next(value for name, value in steps((ROOT / "envs/Containerfile").read_text()))
    if podman("image", "exists", base):
        with timed(f"base image {base}"):
            make_base(f"docker.io/library/{base}")
    with tempfile.TemporaryDirectory() as folder:
        clone, study = Path(folder, "clone"), Path(folder, "study")
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        with timed("podman build"):
            options = ("--isolation", "chroot", "--network", "host", *sys.argv[1:])
            if podman("build", *options, "-f", clone / "envs/Containerfile", "-t", IMAGE, clone):
                sys.exit("The image was not built")
        write_bids(study, 1, settings=HeadSettings(spacing_mm=(4.0, 4.0, 4.0)))
        subprocess.run(["chown", "-R", USER, study], check=True)
        with timed("podman run"):
            options = ("--rm", "--read-only", "--network", "none", "--user", USER, *LIMITS)
            words = ("/study", "/study/derivatives/ecdysis", "participant", "--cores", "2")
            status = podman("run", *options, "-v", f"{study}:/study", IMAGE, *words)
        print(f"exit status {status}")
        made = (study / "derivatives/ecdysis").rglob("*desc-brain*_T1w.nii.gz")
        print(*sorted(path.relative_to(study) for path in made), sep="\n")


if __name__ == "__main__":
    main()
