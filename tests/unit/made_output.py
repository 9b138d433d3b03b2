"""A made-up output directory: a manifest, status records and small figures, as jobs leave them."""

import json
from pathlib import Path
from typing import Any

from ecdysis.files import write_json
from ecdysis.places import MANIFEST, figures_folder, record_file
from PIL import Image

DETAILS: dict[str, dict[str, Any]] = {
    "reorient": {
        "OriginalOrientation": "PIR",
        "Orientation": "RAS",
        "OriginalAffine": [[0.0, 0, 1, -90], [-1, 0, 0, 90], [0, -1, 0, 90], [0, 0, 0, 1]],
        "Warnings": [],
    },
    "skullstrip": {"provider": "embedded", "ants_version": "2.6.5"},
    "crop": {"CroppedShape": [150, 200, 160], "Warnings": [], "BrainVolume": 1432.4},
}

FIGURES = {
    "air": "air",
    "input": "head",
    "mask": "brain",
    "plain": "brain",
    "crop": "",
    "thumb": "",
}
"""The kinds of figures of an image, and the group of each."""


class MadeOutput:
    """Writes what a run leaves behind, one piece at a time."""

    def __init__(self, root: Path, method: str = "ants") -> None:
        self.root = root
        self.manifest: dict[str, Any] = {
            "bids_dir": "/data/my-study",
            "images": [],
            "excluded": [],
            "plan": {},
            "settings": {"skullstrip": {"method": method}, "crop": {"modes": ["auto"]}},
        }
        self.save()

    def save(self) -> None:
        """Write the manifest."""
        write_json(self.root / MANIFEST, self.manifest)

    def image(self, subject: str, session: str | None = None, source: str = "bids") -> str:
        """Put an image into the manifest; return its name."""
        entities = f"sub-{subject}" + (f"_ses-{session}" if session else "")
        folder = entities.replace("_", "/") + "/anat"
        self.manifest["images"].append(
            {
                "folder": folder,
                "entities": entities,
                "suffix": "T1w",
                "subject": subject,
                "session": session,
                "path": f"/data/my-study/{folder}/{entities}_T1w.nii.gz",
                "source": source,
                "series": None,
                "dicom_session": None,
            }
        )
        self.save()
        return f"{folder}/{entities}_T1w"

    def session(self, name: str, *, alone: bool = False) -> None:
        """Put a session of scanner DICOM into the manifest; alone, nothing but it is made."""
        plan = self.manifest["plan"] or {"sessions": [], "excluded": [], "notices": []}
        plan["sessions"].append({"session": name})
        self.manifest["plan"] = plan
        if alone:
            self.manifest["bids_dir"] = None
        self.save()

    def exclude(self, subject: str, image: str | None, reason: str) -> None:
        """Put an exclusion into the manifest."""
        entry = {"subject": subject, "image": image, "reason": reason, "fault": True}
        self.manifest["excluded"].append(entry)
        self.save()

    def record(
        self,
        unit: str,
        stage: str,
        state: str = "done",
        *,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
        log: str | None = None,
    ) -> None:
        """Write the status record of one stage and, with a text, its log."""
        folder = Path("logs", unit)
        record: dict[str, Any] = {
            "stage": stage,
            "state": state,
            "started": "2025-01-01T00:00:00+00:00",
            "log": None if log is None else str(folder / f"{stage}.log"),
        }
        if state != "running":
            record |= {"seconds": 2.0, "cpu_seconds": 3.0, "peak_memory_mb": 200.0}
            record["details"] = DETAILS.get(stage, {}) if details is None else details
        if reason:
            record["reason"] = reason
        write_json(self.root / record_file(unit, stage), record)
        if log is not None:
            (self.root / folder / f"{stage}.log").write_text(log, encoding="utf-8")

    def finish(
        self, name: str, stages: tuple[str, ...] = tuple(DETAILS), *, figures: bool = True
    ) -> None:
        """Write all records, results and figures of an image that came through."""
        folder, _, image = name.rpartition("/")
        entities, _, suffix = image.rpartition("_")
        for stage in stages:
            self.record(name, stage)
        self.record(figures_folder(image), "figures", details={"figures": 4, "warnings": []})
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        for result in (f"desc-preproc_{suffix}", "desc-brain_mask"):
            (self.root / folder / f"{entities}_{result}.nii.gz").touch()
        for kind, group in FIGURES.items() if figures else ():
            name = f"{entities}_desc-{kind}_{suffix}.jpg"
            self.figure(image, name, f"The {kind} of {image}", group)
        if figures:
            (self.root / figures_folder(image)).mkdir(parents=True, exist_ok=True)

    def figure(self, image: str, name: str, description: str, group: str = "") -> Path:
        """Write a small JPEG that describes itself."""
        title = name.rsplit("_desc-", maxsplit=1)[-1].split("_", maxsplit=1)[0]
        words = {"title": title, "description": description, "group": group}
        path = self.root / figures_folder(image) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (80, 60)).save(path, comment=json.dumps(words).encode())
        return path
