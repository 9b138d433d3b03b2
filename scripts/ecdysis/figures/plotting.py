"""nilearn's plotting, imported once for all that a process draws."""

import gc


def load_plotting() -> None:
    """Import nilearn.plotting, which takes seconds, to draw into files.

    Nothing of it is garbage. To look for some meanwhile takes a sixth of the import, and nilearn
    looks again whenever it reads an image: what is there by then is left out of that.
    """
    gc.disable()
    import matplotlib as mpl

    mpl.use("Agg")
    import nilearn.plotting  # noqa: F401

    gc.freeze()
    gc.enable()
