"""Make the table of percentiles that the report shows behind the measures of a T1w.

    pip download --no-deps mriqc-learn==0.0.3 && unzip mriqc_learn-0.0.3-py3-none-any.whl
    python tests/bench/open_norms.py mriqc_learn/datasets

Reads MRIQC's values of ABIDE I and of UCLA's ds000030 and writes
``scripts/ecdysis/quality/open_norms.tsv``. `KEYS` are the measures that MRIQC defines as Ecdysis
does: see "Open norms" in ``docs/quality.md`` for the others.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from ecdysis.files import read_tsv
from ecdysis.quality.open_norms import PERCENTILES, TABLE

KEYS = (
    "cjv", "snr_csf", "snr_gm", "snr_wm", "snr_total", "wm2max",
    "icvs_csf", "icvs_gm", "icvs_wm",
)  # fmt: skip


def main(folder: Path) -> None:
    """Write the table."""
    tables = [read_tsv(folder / name, name) for name in ("abide.tsv", "ds030.tsv")]
    rows = [row for table in tables for row in table.rows]
    lines = [["key", "n", *(f"p{percentile:02d}" for percentile in PERCENTILES)]]
    for key in KEYS:
        values = np.array([float(row[key]) for row in rows if row[key] not in ("", "n/a")])
        values = values[np.isfinite(values)]
        points = np.percentile(values, PERCENTILES)
        lines.append([key, str(len(values)), *(f"{point:.4g}" for point in points)])
    TABLE.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
