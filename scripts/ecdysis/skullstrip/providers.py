"""Where the ANTs programs come from: executables on PATH, or those inside `antspyx`.

The wheel of antspyx holds the compiled ANTs programs in one library. A launcher for each of
them, named after it and put first on PATH, lets nipype's interfaces run unchanged over it.
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path

from ecdysis.errors import InputError
from ecdysis.skullstrip import ants_program

NEEDED_PROGRAMS = (
    "antsRegistration",
    "antsApplyTransforms",
    "N4BiasFieldCorrection",
    "ThresholdImage",
    "Atropos",
)
EMBEDDED_PROGRAMS = (*NEEDED_PROGRAMS, "antsAffineInitializer")
# What antsBrainExtraction.sh 2.6 calls; it ends with status 0 when some of them are missing.
SCRIPT_PROGRAMS = (
    *NEEDED_PROGRAMS,
    "ImageMath",
    "PrintHeader",
    "ResampleImageBySpacing",
    "SmoothImage",
    "antsAffineInitializer",
    "bc",
)
CHOICES = ("auto", "system", "embedded")
INSTALL_ANTS = (
    "Put a working ANTs (2.3 or later) on PATH, or set ants: {provider: embedded} and"
    " skullstrip: {method: ants}"
)


@dataclass(frozen=True)
class Provider:
    """A set of ANTs programs that was seen to run."""

    name: str
    """``system``, executables on PATH, or ``embedded``, the library inside antspyx."""
    version: str
    """What the programs say of themselves."""
    library: Path | None = None
    """The extension module of the embedded provider."""
    remark: str | None = None
    """Why the executables on PATH were passed over."""

    @property
    def facts(self) -> dict[str, str]:
        """Provider and version, for the status record and the report."""
        facts = {"provider": self.name, "ants_version": self.version}
        return facts | ({"provider_remark": self.remark} if self.remark else {})

    @contextmanager
    def activated(self, threads: int = 1) -> Iterator[None]:
        """Put the programs first on PATH and set ITK's number of threads, for the block.

        nipype has to be imported inside the block: it reads its environment on import.
        """
        with tempfile.TemporaryDirectory(prefix="ecdysis-ants-") as folder:
            changes: dict[str, str | None] = {
                "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads),
                "NIPYPE_NO_ET": "1",
                "NIPYPE_CONFIG_DIR": folder,
            }
            if self.library is not None:
                programs = Path(folder) / "bin"
                write_launchers(self.library, programs)
                changes["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
                changes["ANTSPATH"] = None
            with _environment(changes):
                yield


def find(choice: str = "auto") -> Provider:
    """Find ANTs programs that run, by the choice ``auto``, ``system`` or ``embedded``.

    ``auto`` takes the executables on PATH when they run, else the embedded ones.

    Raises
    ------
    InputError
        The chosen provider is absent or does not run.
    """
    if choice not in CHOICES:
        raise InputError("ants.provider", f"unknown value {choice!r}", f"Use one of {CHOICES}")
    if choice == "embedded":
        return _embedded()
    fault = None
    if any(shutil.which(program) for program in NEEDED_PROGRAMS):
        fault = _fault_of_system()
        if fault is None:
            return Provider("system", _version_of("antsRegistration"))
    if choice == "system":
        problem = fault or f"{', '.join(NEEDED_PROGRAMS)} are not on PATH"
        raise InputError("ants.provider", problem, INSTALL_ANTS)
    return _embedded(remark=fault)


def require_script(name: str = "antsBrainExtraction.sh") -> Provider:
    """Check that a shell script of ANTs and the programs it calls can be run from PATH.

    Raises
    ------
    InputError
        The script or one of its programs is not on PATH, or does not run.
    """
    missing = [program for program in (name, *SCRIPT_PROGRAMS) if shutil.which(program) is None]
    if missing:
        raise InputError(
            "skullstrip.method", f"not on PATH, but needed: {', '.join(missing)}", INSTALL_ANTS
        )
    return find("system")


def write_launchers(library: Path, folder: Path) -> None:
    """Write an executable file for each embedded program to `folder`."""
    folder.mkdir(parents=True)
    # Not a `#!python` line: its length is limited, and paths of environments are long.
    command = shlex.join([sys.executable, "-I", "-S", str(ants_program.__file__), str(library)])
    for program in EMBEDDED_PROGRAMS:
        launcher = folder / program
        launcher.write_text(f'#!/bin/sh\nexec {command} {program} "$@"\n', encoding="utf-8")
        launcher.chmod(0o755)


def _embedded(remark: str | None = None) -> Provider:
    remedy = "Install it with `pip install -r envs/requirements.txt`"
    package = importlib.util.find_spec("ants")
    if package is None or not package.submodule_search_locations:
        raise InputError("ants.provider", "the package antspyx is not installed", remedy)
    libraries = sorted(Path(package.submodule_search_locations[0]).glob("lib.*.so"))
    if not libraries:
        raise InputError("ants.provider", "antspyx holds no compiled library", remedy)
    provider = Provider("embedded", "", libraries[0])
    with provider.activated():
        try:
            ants = _version_of("antsRegistration")
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError("ants.provider", f"antspyx does not run ({error})", remedy) from error
    version = f"antspyx {package_version('antspyx')}, ANTs {ants}"
    return Provider("embedded", version, libraries[0], remark)


def _version_of(program: str) -> str:
    """Version that `program` prints, from its line ``ANTs Version: v2.5.1.post95-g2236a75``."""
    done = subprocess.run(
        [program, "--version"], check=True, capture_output=True, text=True, timeout=60
    )
    words = done.stdout.split()
    return words[2].removeprefix("v") if len(words) > 2 else "unknown"


def _fault_of_system() -> str | None:
    """Say why the executables on PATH cannot be used; None when they can.

    Printing a version is no proof: some builds crash as soon as a transform is written, so
    two blobs of 16 x 16 x 16 voxels are registered.
    """
    import nibabel as nib
    import numpy as np

    missing = [program for program in NEEDED_PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} not on PATH, though other ANTs programs are"
    with tempfile.TemporaryDirectory(prefix="ecdysis-ants-") as folder:
        blob = np.indices((16, 16, 16), dtype=np.float32).sum(axis=0)
        image = Path(folder) / "blob.nii"
        nib.save(nib.Nifti1Image(blob, np.eye(4)), image)
        command = [
            "antsRegistration",
            *("--dimensionality", "3", "--output", str(Path(folder) / "to")),
            *("--transform", "Rigid[0.1]", "--metric", f"MeanSquares[{image},{image},1,1]"),
            *("--convergence", "1", "--shrink-factors", "1", "--smoothing-sigmas", "0"),
        ]
        try:
            _version_of("antsRegistration")
            done = subprocess.run(command, check=False, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            return f"antsRegistration on PATH does not run ({error})"
        if done.returncode != 0:
            return (
                "antsRegistration on PATH cannot register a test image"
                f" (exit status {done.returncode})"
            )
    return None


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables for the block; None unsets."""
    kept = {name: os.environ.get(name) for name in changes}
    try:
        _set(changes)
        yield
    finally:
        _set(kept)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
