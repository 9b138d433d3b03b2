"""The table by which a series is recognised: data, read from the top.

Times are in ms, angles in degrees. The ranges follow the contrast regimes in Bernstein, King
& Zhou, Handbook of MRI Pulse Sequences (2004), chapters 14 to 17; MPRAGE: Mugler & Brookeman,
Magn Reson Med 15:152 (1990); FLAIR: Hajnal et al., J Comput Assist Tomogr 16:841 (1992); the
terms of ImageType are those of PS3.3, section C.8.3.1.1.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORDS = {
    "T1w": r"\bt1w?\b|mp ?rage|\bt1 mpr\b|\bbravo\b|\bfspgr|\btfl3d|\btfe\b",
    "T2w": r"\bt2w?\b(?! ?(star|flair|s\b))",
    "FLAIR": r"flair|dark ?fluid|\btirm\b",
    "PDw": r"\bpdw?\b|proton ?density",
    "T2starw": r"\bt2 ?star|\bt2 ?s\b|\bswi\b|\bmedic\b|\bhemo\b",
    "bold": r"\bbold\b|\bfmri\b|resting|\brest\b|\btask\b|\brsfmri\b",
    "dwi": r"\bdwi\b|\bdti\b|\bdiff|\bhardi\b|\bnoddi\b|\btrace\b",
    "asl": r"\bp?c?asl\b|perfusion|\bcbf\b",
    "fmap": r"field ?map|\bfmap\b|\bb0 ?map|topup|distortion|\bpe (ap|pa|lr|rl|is|si)\b"
    r"|\bpe ?polar|\bblip|\brev(erse)?\b",
    "sbref": r"\bsb ?ref\b",
    "inplane": r"\bin ?plane\b|\bco ?planar\b",
    "localizer": r"locali[sz]er|\bscout\b|\bsurvey\b|\bloc\b|\b3 ?plane\b",
    "angio": r"\btof\b|angio|\bmra\b|\bmrv\b",
    "quantitative": r"\bmp2rage\b|\b(t1|t2|pd|r1|r2) ?map\b|relaxometry|\bqsm\b|\bmt ?sat",
    "spectroscopy": r"\bmrs\b|\bsvs\b|\bcsi\b|spectro|\bmega ?press\b",
    "reformat": r"\bmip\b|\bminip\b|\breformat|\bprojection\b",
}
"""Words that tell what an image is, as patterns for lower-case text with spaces between words."""

CONTRASTS = ("T1w", "T2w", "FLAIR", "PDw", "T2starw", "bold", "dwi", "asl")
"""Words that contradict one another."""

HEAD = ("HEAD", "BRAIN", "SKULL", "HEADNECK", "NECK", "PHANTOM", "WHOLEBODY")

FOLDERS = {
    "T1w": "anat",
    "T2w": "anat",
    "FLAIR": "anat",
    "PDw": "anat",
    "T2starw": "anat",
    "inplaneT1": "anat",
    "inplaneT2": "anat",
    "bold": "func",
    "sbref": "func",
    "dwi": "dwi",
    "asl": "perf",
    "epi": "fmap",
    "phasediff": "fmap",
    "magnitude": "fmap",
}
"""The BIDS folder of each suffix that is recognised; ``magnitude`` may be of several echoes."""

FEWEST = 10
"""A head image has at least this many slices; fewer are a localizer or a test."""

FEW_VOLUMES = 9
"""A functional series has more volumes than these; an echo-planar field map does not."""


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included."""

    low: float
    high: float

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Rule:
    """One line of the table.

    Parameters
    ----------
    suffix : str or None
        The BIDS suffix; None for a series that is no image of the raw dataset.
    why : str
        The reason, for a person.
    has, lacks : dict
        Fact -> values of which it has at least one, or has none. A fact that is a list meets
        a rule when any member does.
    """

    suffix: str | None
    why: str
    has: Mapping[str, Any] = field(default_factory=dict)
    lacks: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Say whether the facts of a series meet this line."""
        return all(any_of(facts[fact], values) for fact, values in self.has.items()) and not any(
            any_of(facts[fact], values) for fact, values in self.lacks.items()
        )


LEFT_OUT = (
    Rule(None, "not an MR series", lacks={"modality": ("MR",)}),
    Rule(None, "it holds no image", has={"rows": (None, 0)}),
    Rule("localizer", "marked as a localizer", has={"image_type": ("LOCALIZER",)}),
    # A functional localizer is a time series.
    Rule(
        "localizer",
        "named as a localizer",
        has={"words": ("localizer",)},
        lacks={"sequence": ("EP",)},
    ),
    Rule(
        "localizer",
        "slices in several planes, as of a localizer or of several series",
        has={"planes": Between(2, 1e9)},
    ),
    Rule(
        None,
        "reformatted, projected or resampled from another series",
        has={
            "image_type": (
                *("MPR", "REFORMATTED", "PROJECTION", "MIP", "MINIP", "MNIP", "SUBTRACTION"),
                *("SCREENSHOT", "RESAMPLED"),
            )
        },
    ),
    Rule(None, "named as reformatted or projected", has={"words": ("reformat",)}),
    Rule(
        None,
        "a map computed from a diffusion or perfusion series",
        has={"image_type": ("ADC", "FA", "TRACEW", "COLFA", "EADC", "EXP", "TENSOR")},
    ),
    Rule(None, "a quantitative image or map", has={"image_type": ("UNI", "MAP", "T1", "T2")}),
    Rule(None, "a quantitative image or map", has={"words": ("quantitative",)}),
    Rule(None, "spectroscopy", has={"words": ("spectroscopy",)}),
    Rule(None, "another body part", has={"other_body_part": (True,)}),
)
"""Series that are no image of a raw BIDS dataset, whatever their timing."""

KINDS = (
    Rule("sbref", "echo-planar reference image", has={"sequence": ("EP",), "words": ("sbref",)}),
    Rule("asl", "arterial spin labelling", has={"image_type": ("ASL", "PERFUSION")}),
    Rule("asl", "named as arterial spin labelling", has={"words": ("asl",)}),
    Rule(
        "epi",
        "echo-planar with few volumes, named as a field map or by its direction",
        has={"sequence": ("EP",), "words": ("fmap",), "volumes": Between(0, FEW_VOLUMES)},
        lacks={"b_values": Between(1, 1e5)},
    ),
    Rule("dwi", "echo-planar with diffusion weighting", has={"b_values": Between(1, 1e5)}),
    Rule("dwi", "marked as diffusion", has={"image_type": ("DIFFUSION",)}),
    Rule("dwi", "echo-planar, named diffusion", has={"sequence": ("EP",), "words": ("dwi",)}),
    Rule(
        "epi",
        "spin-echo echo-planar with few volumes",
        has={"sequence": ("EP",), "spin_echo": (True,), "volumes": Between(1, FEW_VOLUMES)},
    ),
    Rule(
        "bold",
        "echo-planar time series",
        has={"sequence": ("EP",), "volumes": Between(FEW_VOLUMES + 1, 1e9)},
    ),
    Rule(
        "phasediff",
        "gradient-echo phase, named as a field map",
        has={"words": ("fmap",), "image_type": ("P", "PHASE", "PHASE_MAP")},
    ),
    Rule(
        "magnitude",
        "gradient echo, named as a field map",
        has={"sequence": ("GR", "RM"), "words": ("fmap",)},
    ),
    Rule(
        None,
        "angiography",
        has={"variant": ("TOF",)},
    ),
    Rule(None, "named as angiography", has={"words": ("angio",)}),
    Rule(
        None,
        "a phase image",
        has={"image_type": ("P", "PHASE", "PHASE_MAP", "R", "I")},
        lacks={"parts": ("mag",)},
    ),
    Rule(
        "T1w",
        "3-D gradient echo with inversion or magnetisation preparation (MPRAGE and kin)",
        has={
            "sequence": ("GR",),
            "prepared": (True,),
            "dimension": ("3D",),
            "echo_times": Between(0.5, 12),
        },
        lacks={"inversion_time": Between(1500, 1e5), "sequence": ("EP",)},
    ),
    Rule(
        "T1w",
        "spoiled 3-D gradient echo with short times (SPGR, FLASH, VIBE)",
        has={
            "sequence": ("GR",),
            "dimension": ("3D",),
            "echo_times": Between(0.5, 12),
            "repetition_time": Between(2, 60),
            "flip_angle": Between(9, 60),
        },
        lacks={"sequence": ("EP",), "variant": ("TRSS",)},
    ),
    Rule(
        "FLAIR",
        "spin echo with long inversion time",
        has={
            "sequence": ("SE", "IR"),
            "inversion_time": Between(1500, 3500),
            "echo_times": Between(60, 1000),
        },
        lacks={"sequence": ("EP", "GR")},
    ),
    Rule(
        "T1w",
        "inversion-prepared spin echo with short echo (T1 FLAIR)",
        has={
            "sequence": ("SE", "IR"),
            "inversion_time": Between(300, 1400),
            "echo_times": Between(1, 50),
        },
        lacks={"sequence": ("EP", "GR")},
    ),
    Rule(
        "T1w",
        "spin echo with short repetition and echo time",
        has={
            "sequence": ("SE",),
            "repetition_time": Between(200, 1200),
            "echo_times": Between(1, 40),
        },
        lacks={"sequence": ("EP", "GR"), "inversion_time": Between(50, 1e5)},
    ),
    Rule(
        "T2w",
        "spin echo with long repetition and echo time",
        has={
            "sequence": ("SE",),
            "repetition_time": Between(1500, 2e4),
            "echo_times": Between(60, 1000),
        },
        lacks={"sequence": ("EP", "GR"), "inversion_time": Between(50, 1e5)},
    ),
    Rule(
        "PDw",
        "spin echo with long repetition and short echo time",
        has={
            "sequence": ("SE",),
            "repetition_time": Between(1500, 2e4),
            "echo_times": Between(1, 45),
        },
        lacks={"sequence": ("EP", "GR"), "inversion_time": Between(50, 1e5)},
    ),
    Rule(
        "T2starw",
        "gradient echo with long echo time",
        has={"sequence": ("GR",), "echo_times": Between(12, 100)},
        lacks={"sequence": ("EP",)},
    ),
)
"""Kinds of image by the physics of their sequence."""

BY_NAME = {
    "T1w": Between(0.5, 50),
    "FLAIR": Between(60, 1000),
    "T2w": Between(50, 1000),
    "PDw": Between(1, 50),
}
"""What a description alone may say, and the echo times that do not contradict it."""


def any_of(fact: Any, values: Any) -> bool:
    """Say whether a fact, or any member of a list of facts, is among the values."""
    if isinstance(fact, list | set):
        return any(item in values for item in fact)
    return fact in values
