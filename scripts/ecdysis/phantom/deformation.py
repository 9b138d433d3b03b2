"""Random diffeomorphisms that are known exactly: flows of stationary velocity fields."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ecdysis.image.arrays import Array

GRID_MM = 6.0
SQUARINGS = 7


@dataclass(frozen=True)
class Deformation:
    """Displacements (mm along x, y, z) of a diffeomorphism and of its inverse on a coarse grid.

    Both have the shape (3, i, j, k). `origin_mm` is the template position of node (0, 0, 0); nodes
    are `GRID_MM` apart along x, y, z.
    """

    forward: Array
    backward: Array
    origin_mm: Array

    @property
    def max_displacement_mm(self) -> float:
        """The largest displacement of the forward map."""
        return float(np.sqrt((self.forward**2).sum(axis=0)).max())

    @property
    def min_jacobian(self) -> float:
        """The smallest Jacobian determinant of both maps; above 0, the map does not fold."""
        return min(float(jacobian(field).min()) for field in (self.forward, self.backward))

    def moved(self, points_mm: Array, *, inverse: bool = False) -> Array:
        """Move points (n, 3) in template mm by the map or its inverse."""
        field = self.backward if inverse else self.forward
        nodes = ((points_mm - self.origin_mm) / GRID_MM).T
        return points_mm + _sampled(field, nodes).T


def deformation(
    low_mm: Array, high_mm: Array, amplitude_mm: float, smoothness_mm: float, seed: int
) -> Deformation:
    """Draw a random diffeomorphism of the box from `low_mm` to `high_mm`.

    A stationary velocity field of Gaussian noise, smoothed by `smoothness_mm` (sigma) and
    scaled to a largest speed of `amplitude_mm`, is integrated over unit time by scaling and
    squaring (Arsigny et al. 2006, doi:10.1007/11866565_113). The inverse is the flow of the
    negative field. No point moves further than `amplitude_mm`; beyond the box, points move
    as those on its faces.

    Raises
    ------
    ValueError
        The map folds: the amplitude is too large for the smoothness.
    """
    margin = 2 * GRID_MM
    shape = np.ceil((high_mm - low_mm + 2 * margin) / GRID_MM).astype(int) + 1
    sigma = smoothness_mm / GRID_MM
    # The noise continues outside the box; otherwise the field would be strongest at its faces.
    around = int(np.ceil(3 * sigma))
    noise = np.random.default_rng([seed, 1]).standard_normal((3, *(shape + 2 * around)))
    inner = (slice(around, -around),) * 3
    velocity = np.stack([ndimage.gaussian_filter(part, sigma, truncate=3)[inner] for part in noise])
    speed = np.sqrt((velocity**2).sum(axis=0)).max()
    velocity *= amplitude_mm / speed
    drawn = Deformation(_flow(velocity), _flow(-velocity), low_mm - margin)
    if drawn.min_jacobian <= 0:
        raise ValueError(
            f"a deformation of {amplitude_mm} mm folds at a smoothness of {smoothness_mm} mm"
        )
    return drawn


def jacobian(displacement: Array) -> Array:
    """Compute the Jacobian determinant of a map from its displacement in mm, (3, i, j, k)."""
    gradients = np.stack([np.stack(np.gradient(part, GRID_MM)) for part in displacement])
    matrices = np.moveaxis(gradients, (0, 1), (-2, -1)) + np.eye(3)
    return np.asarray(np.linalg.det(matrices))


def _flow(velocity: Array) -> Array:
    nodes = np.indices(velocity.shape[1:], dtype=np.float64)
    displacement: Array = velocity / 2**SQUARINGS
    for _ in range(SQUARINGS):
        displacement = displacement + _sampled(displacement, nodes + displacement / GRID_MM)
    return displacement


def _sampled(field: Array, nodes: Array) -> Array:
    return np.stack(
        [ndimage.map_coordinates(part, nodes, order=1, mode="nearest") for part in field]
    )
