"""The head template: a T1-weighted head with skull and its brain mask.

Files of the user come first, then a template by its TemplateFlow name, then the embedded template,
which is named in this module only, so that it can be replaced easily.
"""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecdysis.errors import InputError
from ecdysis.files import sha256

EMBEDDED_NAME = "MNI152NLin6Asym"
EMBEDDED_ORIGIN = (
    "MNI152NLin6Asym, the 6th-generation non-linear MNI152 average head (Grabner et al. 2006,"
    " doi:10.1007/11866763_8), as redistributed by NiMARE 0.22.1; it comes from FSL, whose own"
    " terms (non-commercial use) are stricter than NiMARE's MIT licence"
)
EMBEDDED_SHA256 = {
    "tpl-MNI152NLin6Asym_res-01_T1w.nii.gz": (
        "fbb6e77a6b090368db105d1cab2c13abd141815998b85c95a520d09771f0021c"
    ),
    "tpl-MNI152NLin6Asym_res-01_desc-brain_mask.nii.gz": (
        "895cc1e3d13fa00eacf1659bea51a10b384d8bc1d2d751f9a1e131509194c9c9"
    ),
    "tpl-MNI152NLin6Asym_res-02_T1w.nii.gz": (
        "1616e98b88c0b213096e015d12f7a114648851989215493ba5799c76c19fd1f5"
    ),
    "tpl-MNI152NLin6Asym_res-02_desc-brain_mask.nii.gz": (
        "5e12ef73afaf8e2bf17ab855a82ca13bf36473ae11f0888c4c8978eb63a1a51b"
    ),
}
TISSUES = ("CSF", "GM", "WM")
"""The tissues of the maps in `priors`, in this order."""
EMBEDDED_REMEDY = (
    "Reinstall the Python packages with `pip install -r envs/requirements.txt`, or set"
    " skullstrip: {template: {t1w: FILE, brain_mask: FILE}}"
)


@dataclass(frozen=True)
class Template:
    """A head template on disk."""

    name: str
    """The TemplateFlow name, or ``custom`` for a user's files."""
    t1w: Path
    """Head with skull."""
    brain_mask: Path
    """Above 0.5 is brain; on the grid of the head."""
    registration_mask: Path | None
    """Region in which the similarity of a registration is measured; None means everywhere."""
    priors: tuple[Path, ...]
    """Probability of each of `TISSUES`; empty when the template has none."""
    origin: str
    """Source and licence."""
    sha256: dict[str, str]
    """Hexadecimal digest of each file by its name."""


@dataclass(frozen=True)
class Prepared:
    """A template prepared for registration, the output of the rule `template`."""

    folder: Path

    @property
    def t1w(self) -> Path:
        """The head, at 2 mm, cut to the brain and its surroundings."""
        return self.folder / "T1w.nii.gz"

    @property
    def brain_mask(self) -> Path:
        """The fraction of brain in each voxel, 0 to 1."""
        return self.folder / "brain_mask.nii.gz"

    @property
    def registration_mask(self) -> Path:
        """Region in which the similarity is measured, 0 and 1."""
        return self.folder / "registration_mask.nii.gz"

    @property
    def tissue_maps(self) -> tuple[Path, ...]:
        """The `TISSUES`, 0 to 1."""
        return tuple(self.folder / f"{tissue}_probseg.nii.gz" for tissue in TISSUES)

    @property
    def facts(self) -> Path:
        """Name, origin and checksums of the template, JSON."""
        return self.folder / "template.json"


def resolve(settings: Mapping[str, Any] | None = None) -> Template:
    """Find the template that `settings` ask for.

    Their keys are ``t1w``, ``brain_mask``, ``registration_mask`` (files), ``priors`` (three files)
    and ``name``; None, "" and an empty list mean not given.

    Raises
    ------
    InputError
        A file is missing or unreadable, only one of head and mask is given, they are on
        different grids, or the named template is not available.
    """
    given = {key: value for key, value in (settings or {}).items() if value}
    if given.keys() - {"name"}:
        return _from_files(given)
    name = given.get("name", EMBEDDED_NAME)
    if name == EMBEDDED_NAME:
        return embedded()
    return _from_templateflow(name)


def label(settings: Mapping[str, Any] | None = None) -> str:
    """Return the label of the template's space in file names: letters and digits only.

    Examples
    --------
    >>> label(), label({"t1w": "head.nii"}), label({"name": "MNI152NLin2009cAsym"})
    ('MNI152NLin6Asym', 'custom', 'MNI152NLin2009cAsym')
    """
    given = {key: value for key, value in (settings or {}).items() if value}
    name = given.get("name") or ("custom" if "t1w" in given else EMBEDDED_NAME)
    return re.sub(r"[^A-Za-z0-9]", "", name) or "custom"


def embedded(resolution: int = 1) -> Template:
    """Find the default template in the installed `nimare`, without importing it.

    `resolution` is the voxel size, 1 or 2 mm.

    Raises
    ------
    InputError
        The package is not installed, or a file is missing or has another checksum.
    """
    located = importlib.util.find_spec("nimare")
    if located is None or not located.submodule_search_locations:
        raise InputError(
            EMBEDDED_NAME, "the package that contains it is not installed", EMBEDDED_REMEDY
        )
    folder = Path(located.submodule_search_locations[0]) / "resources" / "templates"
    stem = f"tpl-{EMBEDDED_NAME}_res-{resolution:02d}"
    files = [folder / f"{stem}_T1w.nii.gz", folder / f"{stem}_desc-brain_mask.nii.gz"]
    for file in files:
        if not file.is_file():
            raise InputError(file.name, "the file is missing from its package", EMBEDDED_REMEDY)
        if sha256(file) != EMBEDDED_SHA256[file.name]:
            raise InputError(
                file.name, "the file has another checksum than the pinned one", EMBEDDED_REMEDY
            )
    return Template(
        name=EMBEDDED_NAME,
        t1w=files[0],
        brain_mask=files[1],
        registration_mask=None,
        priors=(),
        origin=EMBEDDED_ORIGIN,
        sha256={file.name: EMBEDDED_SHA256[file.name] for file in files},
    )


def _from_files(given: Mapping[str, Any]) -> Template:
    for needed in ("t1w", "brain_mask"):
        if needed not in given:
            raise InputError(
                f"skullstrip.template.{needed}",
                "no file is given; a template is a head and its brain mask",
                f"Set skullstrip.template.{needed} to a NIfTI file on the grid of the other",
            )
    files = {
        key: Path(given[key]).expanduser().resolve()
        for key in ("t1w", "brain_mask", "registration_mask")
        if key in given
    }
    priors = [Path(file).expanduser().resolve() for file in given.get("priors", [])]
    files |= {f"priors[{at}]": file for at, file in enumerate(priors)}
    return _template(given.get("name", "custom"), files, "files given by the user")


def _template(name: str, files: Mapping[str, Path], origin: str) -> Template:
    """Check files, given by their settings, and make a template of them."""
    _check_one_grid(files)
    return Template(
        name=name,
        t1w=files["t1w"],
        brain_mask=files["brain_mask"],
        registration_mask=files.get("registration_mask"),
        priors=tuple(file for key, file in files.items() if key.startswith("priors")),
        origin=origin,
        sha256={file.name: sha256(file) for file in files.values()},
    )


def _check_one_grid(files: Mapping[str, Path]) -> None:
    # Imported here: every start of Snakemake resolves a template; the embedded one needs no import.
    import nibabel as nib
    import numpy as np
    from nibabel.filebasedimages import ImageFileError

    images = {}
    for key, file in files.items():
        where = f"skullstrip.template.{key}"
        if not file.is_file():
            raise InputError(where, f"there is no file {file}", "Give the path of a NIfTI file")
        try:
            images[key] = nib.load(file)
        except ImageFileError as error:
            raise InputError(
                where, f"{file} cannot be read: {error}", "Give the path of a NIfTI file"
            ) from error
    head = images["t1w"]
    for key, image in images.items():
        if image.shape != head.shape or not np.allclose(image.affine, head.affine, atol=1e-3):
            raise InputError(
                f"skullstrip.template.{key}",
                f"its grid ({image.shape}) differs from that of t1w ({head.shape})",
                "Resample it to the grid of t1w",
            )


def _from_templateflow(name: str) -> Template:
    where = "skullstrip.template.name"
    if importlib.util.find_spec("templateflow") is None:
        raise InputError(
            where,
            f"{name} is fetched by the package templateflow, which is not installed",
            f"Install it with `pip install templateflow`, use the name {EMBEDDED_NAME}, or"
            " give t1w and brain_mask as files",
        )
    from templateflow import api

    template, _, cohort = name.partition(":cohort-")
    common: dict[str, Any] = {"resolution": 1, "extension": ".nii.gz"}
    if cohort:
        common["cohort"] = cohort

    def fetch(**entities: Any) -> Path | None:
        # Some templates lack such a file, others have several of them.
        located = api.get(template, **common, **entities)
        return Path(located) if isinstance(located, str | Path) else None

    try:
        files = {
            "t1w": fetch(desc=None, suffix="T1w"),
            "brain_mask": fetch(desc="brain", suffix="mask"),
            "registration_mask": fetch(desc="BrainCerebellumExtraction", suffix="mask"),
        }
        plain = {"desc": None, "atlas": None, "suffix": "probseg"}
        priors = [fetch(label=tissue, **plain) for tissue in TISSUES]
    except Exception as error:
        raise InputError(
            where,
            f"templateflow cannot fetch {name} ({error})",
            "Check the name and the network, or give t1w and brain_mask as files",
        ) from error
    if files["t1w"] is None or files["brain_mask"] is None:
        raise InputError(
            where,
            f"templateflow has no single 1 mm T1w and brain mask of {name}",
            "Check the name, name one of its cohorts as in MNIPediatricAsym:cohort-2, or give"
            " t1w and brain_mask as files",
        )
    if None not in priors:
        files |= {f"priors[{at}]": file for at, file in enumerate(priors)}
    origin = f"TemplateFlow {name}; see its template_description.json for terms"
    return _template(name, {key: file for key, file in files.items() if file}, origin)
