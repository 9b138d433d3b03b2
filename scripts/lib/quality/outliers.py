"""Values that stand out from those of the other images."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

LEAST, FAR = 10, 3.5


@dataclass(frozen=True)
class Flag:
    """A value that stands out, by how much, and among how many."""

    key: str
    value: float
    z: float
    n: int
    rule: str

    @property
    def sentence(self) -> str:
        """Say so in words."""
        return f"{self.key} is {self.value:.4g}: robust z {self.z:+.1f} among {self.n} images"


def flags(values: Mapping[str, Mapping[str, float]]) -> dict[str, list[Flag]]:
    """Return the flags of each image; `values` are those of its measures by key."""
    found: dict[str, list[Flag]] = {}
    for key in {key for of_image in values.values() for key in of_image}:
        known = {name: of_image[key] for name, of_image in values.items() if key in of_image}
        middle = median(known.values())
        spread = 1.4826 * median(abs(value - middle) for value in known.values())
        for name, value in known.items():
            z = (value - middle) / spread if spread else 0.0
            if len(known) >= LEAST and abs(z) > FAR:
                rule = f"robust z beyond {FAR} among {len(known)} images"
                found.setdefault(name, []).append(Flag(key, value, z, len(known), rule))
    return found
