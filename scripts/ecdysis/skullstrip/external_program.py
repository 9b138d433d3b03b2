"""Run a program of another package that makes a brain mask."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ecdysis.errors import InputError
from ecdysis.plain_folder import linked, plain_folder
from ecdysis.skullstrip.mask_check import write_checked


def require_program(program: str, package: str) -> None:
    """Check that a program is on PATH.

    Raises
    ------
    InputError
        It is not.
    """
    if shutil.which(program) is None:
        raise InputError(
            "skullstrip.method",
            f"{program}, a program of {package}, is not on PATH",
            f"Install {package} and put it on PATH, or set skullstrip: {{method: ants}}",
        )


def no_brain(image: Path) -> InputError:
    """Return the error of an image whose mask is empty."""
    return InputError(
        image,
        "no brain was found in it",
        "Look at the image and its orientation; exclude it, or give a mask of your own",
    )


def strip(image: Path, mask: Path, find: Callable[[Path], Path]) -> dict[str, Any]:
    """Write the brain mask that a program finds in a 3-D head; return measures and ``check``.

    `mask` gets the mask, uint8, on the grid of `image`. `find` is called in a folder of its own
    with the path of a link to the image, both safe in a shell; it returns the file of a mask on the
    same grid, above 0 where brain is. ``check`` has verdict and reasons.

    Raises
    ------
    InputError
        The mask is empty.
    RuntimeError
        The program failed, or its mask is not on the grid of the image.
    """
    source = nib.load(image)
    mask.parent.mkdir(parents=True, exist_ok=True)
    with plain_folder() as folder:
        head = linked(image, folder, "head")
        with _inside(folder):
            values = np.asanyarray(nib.load(find(head)).dataobj)
    if values.size != np.prod(source.shape[:3]):
        raise RuntimeError(f"the mask has the shape {values.shape}, the image {source.shape}")
    brain = values.reshape(source.shape[:3]) > 0
    if not brain.any():
        raise no_brain(image)
    return write_checked(brain, source, mask)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Work in `folder`: interfaces of nipype name their outputs from the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
