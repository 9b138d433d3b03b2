"""nilearn's plotting, imported once for all that a process draws."""

import gc


def load_plotting() -> None:
    """Import nilearn.plotting, which takes seconds, to draw into files.

    The import creates no garbage, and collecting takes a sixth of its time, so collection is off.
    nilearn collects whenever it reads an image; the imported objects are frozen to skip them.
    """
    gc.disable()
    import matplotlib as mpl

    mpl.use("Agg")
    import nilearn.plotting  # noqa: F401

    gc.freeze()
    gc.enable()
