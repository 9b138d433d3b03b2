"""Which of the images that dcm2niix made of a series is which."""

from collections.abc import Sequence

from ecdysis.bids.outputs import Output
from ecdysis.conversion.dcm2niix import Converted, SeriesFiles


def match(
    series: SeriesFiles, wanted: Sequence[Output], made: Sequence[Converted]
) -> dict[Output, Converted]:
    """Find for each image of a series the one that was made, by echo time and part.

    Parameters
    ----------
    series : SeriesFiles
        Named in the error.
    wanted : sequence of Output
        All images of the series.
    made : sequence of Converted

    Raises
    ------
    InputError
        There are more or fewer images than wanted, or two of them are alike.
    """
    found = {}
    for output in wanted:
        fitting = [
            one
            for one in made
            if (output.part is None or one.part == output.part)
            and (
                output.echo is None
                or (one.echo_ms is not None and abs(one.echo_ms - output.echo) < 0.01)
            )
        ]
        if len(fitting) == 1:
            found[output] = fitting[0]
    if len(found) == len(wanted) == len(made):
        return found
    names = ", ".join(one.image.name.removesuffix(".nii.gz") for one in made)
    raise series.error(
        f"dcm2niix made {len(made)} images of it ({names}), which are not the {len(wanted)} "
        "that its headers promise",
        "Look into the log of this job, and leave the series out or export it again",
    )
