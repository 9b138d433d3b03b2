"""What a killed run leaves behind: files that never got their final name.

They are called ``.<process>.<name>`` (see `lib.files.atomic`) and are nobody's results.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

PARTIAL = re.compile(r"\.\d+\..+")


def sweep(folder: Path) -> int:
    """Remove what is left below a folder that no run works in; say how much it was.

    Links to folders are not followed.
    """
    found = []
    for place, folders, files in os.walk(folder):
        found += [Path(place, name) for name in (*folders, *files) if PARTIAL.fullmatch(name)]
        folders[:] = [name for name in folders if not PARTIAL.fullmatch(name)]
    for path in found:
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return len(found)
