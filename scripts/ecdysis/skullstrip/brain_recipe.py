"""The settings of brain extraction, as data, each with its source; lengths in mm."""

from dataclasses import dataclass

# Forces one sequence of random numbers in every run (antsRegistration --random-seed).
RANDOM_SEED = 1


@dataclass(frozen=True)
class LinearSettings:
    """Rigid, then affine registration.

    Mattes mutual information on regular samples: Mattes et al. 2003,
    doi:10.1109/TMI.2003.809072. Numbers as in antsBrainExtraction.sh (32 bins, 25 % of the
    samples, gradient step 0.1), which also aligns at 4 mm. There, 10 iterations gave the same masks
    as 100; without that level, a head turned by 40 degrees needed the search over all rotations.
    """

    levels_mm: tuple[float, ...] = (8, 4)
    iterations: tuple[int, ...] = (200, 10)
    sigmas_mm: tuple[float, ...] = (4, 2)
    step: float = 0.1
    bins: int = 32
    sampling: float = 0.25


@dataclass(frozen=True)
class NonlinearSettings:
    """Symmetric normalisation: Avants et al. 2008, doi:10.1016/j.media.2007.06.004.

    The step of 0.1 and 3 voxels of update-field smoothing are those of antsBrainExtraction.sh. A
    level finer than the voxels of the head is left out, because the head has no such detail. The
    last level has no iterations: the field only has to come to the grid on which the next stage
    ends, since antsRegistration joins both fields.
    """

    levels_mm: tuple[float, ...] = (8, 4, 2)
    iterations: tuple[int, ...] = (50, 10, 0)
    sigmas_mm: tuple[float, ...] = (4, 2, 0)
    step: float = 0.1
    update_sigma: float = 3.0
    bins: int = 32


@dataclass(frozen=True)
class NearBrainSettings(NonlinearSettings):
    """Second symmetric normalisation, whose similarity is measured near the brain only.

    Scalp and skull dominate the similarity of whole heads, and their distance to the brain differs
    between people, most of all in children. So only the template's brain mask, dilated by
    `around_brain_mm`, is compared.
    """

    levels_mm: tuple[float, ...] = (4, 2)
    iterations: tuple[int, ...] = (20, 3)
    sigmas_mm: tuple[float, ...] = (2, 0)
    update_sigma: float = 2.0
    around_brain_mm: float = 8.0


@dataclass(frozen=True)
class BiasSettings:
    """N4: Tustison et al. 2010, doi:10.1109/TMI.2010.2046908.

    A spline distance of 200 mm as in antsBrainExtraction.sh. Such a field is smooth enough to
    be fitted to every fourth voxel of the 2 mm image.
    """

    shrink_factor: int = 4
    iterations: tuple[int, ...] = (50, 50, 50)
    threshold: float = 1e-4
    spline_mm: float = 200.0


@dataclass(frozen=True)
class SearchSettings:
    """Search over all rotations by antsAffineInitializer, for a head in an unusual position.

    Steps of 45 degrees over the whole circle about three axes, each followed by 20 iterations
    of local search, at 8 mm: two CPU seconds find a head that is upside down or whose axes are
    exchanged. (antsBrainExtraction.sh looks 22 degrees around the header's orientation.)
    """

    spacing_mm: float = 8.0
    step_deg: float = 45.0
    arc: float = 1.0
    local_iterations: int = 20


@dataclass(frozen=True)
class TissueSettings:
    """Atropos: Avants et al. 2011, doi:10.1007/s12021-011-9109-y.

    Three classes, three iterations, a Markov field of weight 0.1 over the nearest voxels and
    a region 2 mm larger than the warped mask, as in antsBrainExtraction.sh. Classes start from
    Otsu's thresholds, which gave the same labels as k-means and need no search. Where fluid is
    far from both matters, as in FLAIR, thresholds miss the border between these; in contrasts
    other than T1w, Bayes' rule divides the region (`ecdysis.skullstrip.tissues`).
    """

    dilation_mm: float = 2.0
    iterations: int = 3
    mrf_weight: float = 0.1
    mrf_radius: tuple[int, int, int] = (1, 1, 1)


@dataclass(frozen=True)
class BorderSettings:
    """The step that moves the border of the warped mask out to the cortex; own choices.

    They were measured on the heads of ``docs/skullstrip.md``.
    """

    spacing_mm: float = 1.0
    """Cubic voxels on which the step works."""
    reach_mm: float = 4.0
    """How far outside the warped mask tissue is looked for."""
    bridge_mm: float = 2.0
    """Radius of the ball that has to fit into the added tissue; dura is thinner."""
    closing_mm: float = 4.0
    """Radius of the closing over sulci."""
    examples_mm: float = 1.5
    """Depth in the warped mask from which the brightness of tissues is measured."""
    deviations: float = 2.5
    """Standard deviations around a tissue's median that belong to it."""
    fluid_reach_mm: float = 8.0
    """How far inside the warped mask of a contrast other than T1w fluid and bone are removed. In
    T2w images made from label maps of seven people, 8 mm gave Dice 0.96 to 0.98, where 4 mm had
    left wide fluid (0.92 to 0.98)."""
    fluid_from: float = 0.6
    """A voxel of these contrasts is fluid from this part of the way between the matter nearest in
    brightness and fluid."""
    rim_from: float = 0.4
    """The outermost voxels of the cortex are part fluid. In the voxels next to the grown mask,
    tissue begins at this part of the way between fluid and the matter nearest in brightness."""
    removed_at_most: float = 0.25
    """Volume of bone and fluid that the step may remove, over that of the warped mask; else that
    mask is kept. The step removed 0.1 in T2w images made from label maps, 0.19 in that of a person
    with wide fluid."""
    added_at_most: float = 0.08
    """Volume that the step may add, over that of the warped mask; else that mask is kept. The step
    added 0.015 to 0.027 in two real heads and one made from a label map."""


@dataclass(frozen=True)
class Recipe:
    """All settings of the recipe; lengths in mm."""

    spacing: float = 2.0
    """Voxel size of the working image and of the prepared template."""
    template_fill: float = 6.0
    """Radius of the closing that fills ventricles and cisterns in the template's mask."""
    template_margin: float = 16.0
    """Kept of the template around its brain mask; it holds scalp and skull."""
    winsorize: tuple[float, float] = (0.5, 99.9)
    """Percentiles to which intensities are cut, against bright vessels and fat."""
    head_height: float = 150.0
    """Depth below the vertex that is taken for the head, not the neck, when the centres of head and
    template are brought together."""
    closing: float = 4.0
    """Radius of the closing of the warped mask."""
    bias: BiasSettings = BiasSettings()
    search: SearchSettings = SearchSettings()
    linear: LinearSettings = LinearSettings()
    nonlinear: NonlinearSettings = NonlinearSettings()
    near_brain: NearBrainSettings = NearBrainSettings()
    tissue: TissueSettings = TissueSettings()
    border: BorderSettings = BorderSettings()


RECIPE = Recipe()
