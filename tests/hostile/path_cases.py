"""Names, links and other things in place of an image, and texts beside it."""

import os
from pathlib import Path
from typing import Any

from ecdysis.bids.discovery import BAD_NAME

from tests.hostile.case import Case
from tests.hostile.nifti_cases import image, written


def named(folder: str, name: str) -> Any:
    """Make a sound image under a hostile name; %s stands for the label."""

    def make(root: Path, label: str) -> None:
        written()(root, label)
        place = image(root, label)
        # Names may hold bytes that are no UTF-8, so they are text with surrogates.
        target = root / folder.replace("%s", label) / "anat" / name.replace("%s", label)
        target.parent.mkdir(parents=True, exist_ok=True)
        place.rename(target)
        if target.parent != place.parent:
            place.parent.rmdir()
            place.parent.parent.rmdir()

    return make


def in_name(text: str) -> Any:
    """Make a sound image whose name holds `text` where a label should be."""
    return named("sub-%s", f"sub-%s_acq-{text}_T1w.nii.gz")


def in_label(text: str) -> Any:
    """Make a sound image of a subject whose label ends with `text`."""
    return named(f"sub-%s{text}", f"sub-%s{text}_T1w.nii.gz")


def link(target: str) -> Any:
    """Make a link in place of the image."""
    return lambda root, label: image(root, label).symlink_to(target.replace("%s", label))


def _linked_image(root: Path, label: str) -> None:
    written()(root, label)
    place = image(root, label)
    kept = root / "sourcedata" / f"{label}.nii.gz"
    kept.parent.mkdir(exist_ok=True)
    place.rename(kept)
    place.symlink_to(f"../../sourcedata/{label}.nii.gz")


def _linked_folder(root: Path, label: str) -> None:
    (root / f"sub-{label}").mkdir()
    (root / f"sub-{label}/anat").symlink_to("..")


def _beside(name: str, text: bytes) -> Any:
    def make(root: Path, label: str) -> None:
        written()(root, label)
        path = root / name.replace("%s", label)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)

    return make


SIDECAR = "sub-%s/anat/sub-%s_T1w.json"
DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
RAGGED = b'participant_id\tage\nsub-01\t1\t2\t3\t"\nsub-02\n\n\x00\xff\n' + b"x" * 200_000

CASES = [
    Case("a link to an image", _linked_image, "processed"),
    Case("a link to nothing", link("nowhere.nii.gz"), "excluded", "broken link"),
    Case("a link to itself", link("sub-%s_T1w.nii.gz"), "excluded", "cannot be read"),
    Case("a folder that links to one above", _linked_folder, "excluded", "no T1w image"),
    Case("a link to an endless device", link("/dev/zero"), "excluded", "regular file"),
    Case("a pipe that nobody writes to",
         lambda root, label: os.mkfifo(image(root, label)), "excluded", "regular file"),
    Case("a folder with an image's name",
         lambda root, label: image(root, label).mkdir(), "excluded", "regular file"),
    Case("a space in the name", in_name("a b"), "excluded", BAD_NAME),
    Case("quotes in the name", in_name("'a\""), "excluded", BAD_NAME),
    Case("a command after a semicolon", in_name(";touch pwned;"), "excluded", BAD_NAME),
    Case("a command in $()", in_name("$(touch pwned)"), "excluded", BAD_NAME),
    Case("a command in backticks", in_name("`touch pwned`"), "excluded", BAD_NAME),
    Case("a line break in the name", in_name("a\nb"), "excluded", BAD_NAME),
    Case("terminal controls in the name", in_name("\x1b[2J\x1b]0;x\a"), "excluded", BAD_NAME),
    Case("markup in the name", in_name("<img onerror=alert(1)>"), "excluded", BAD_NAME),
    Case("a wildcard of Snakemake in the name", in_name("{wildcards}"), "excluded", BAD_NAME),
    Case("letters beyond ASCII", in_name("größe"), "excluded", BAD_NAME),
    Case("bytes that are no UTF-8", in_name("\udcff\udcfe"), "excluded", BAD_NAME),
    Case("text that runs from right to left", in_name("\u202egz"), "excluded", BAD_NAME),
    Case("a name of 250 letters", in_name("a" * 210), "excluded", "too long"),
    Case("two dots for a label", in_label(".."), "excluded", BAD_NAME),
    Case("an option for a label", in_label(" --unlock"), "excluded", BAD_NAME),
    Case("a line break in the label", in_label("\nx"), "excluded", BAD_NAME),
    Case("bytes in the label that are no UTF-8", in_label("\udcff"), "excluded", BAD_NAME),
    Case("a drive letter", named("sub-%s", "C:sub-%s_T1w.nii.gz"), "excluded", BAD_NAME),
    Case("no entity in the name", named("sub-%s", "_T1w.nii.gz"), "excluded", BAD_NAME),
    Case("another subject's name", named("sub-%s", "sub-%sx_T1w.nii.gz"), "excluded", BAD_NAME),
    Case("a sidecar that is no JSON", _beside(SIDECAR, b"{'a': 1"), "processed"),
    Case("a sidecar nested 100,000 deep", _beside(SIDECAR, DEEP), "processed"),
    Case("a sidecar with bytes that are no UTF-8", _beside(SIDECAR, b'{"a": "\xff"}'), "processed"),
    Case("a ragged participants.tsv", _beside("participants.tsv", RAGGED), "processed"),
    Case("a dataset description nested 100,000 deep",
         _beside("dataset_description.json", DEEP), "processed"),
]  # fmt: skip
