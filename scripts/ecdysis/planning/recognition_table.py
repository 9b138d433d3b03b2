"""The table that series are recognised with; the first rule that a series meets counts.

Times are in ms, angles in degrees. The ranges follow the contrast regimes in Bernstein, King
& Zhou, Handbook of MRI Pulse Sequences (2004), chapters 14 to 17; MPRAGE: Mugler & Brookeman,
Magn Reson Med 15:152 (1990); MP2RAGE: Marques et al., NeuroImage 49:1271 (2010); FLAIR: Hajnal
et al., J Comput Assist Tomogr 16:841 (1992). The terms of ImageType are defined in PS3.3, section
C.8.3.1.1.1.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

WORDS = {
    "T1w": r"\bt1w?\b|mp ?rage|\bt1 mpr\b|\bbravo\b|\bfspgr|\btfl3d|\btfe\b",
    "T2w": r"\bt2w?\b(?! ?(star|flair|s\b))",
    "FLAIR": r"flair|dark ?fluid|\btirm\b",
    "PDw": r"\bpdw?\b|proton ?density",
    "T2starw": r"\bt2 ?star|\bt2 ?s\b|\bswi\b|\bmedic\b|\bhemo\b",
    "bold": r"\bbold\b|\bfmri|resting|\brest\b|\btask\b|\brsfmri\b",
    "dwi": r"\bdwi\b|\bdti\b|\bdiff|\bhardi\b|\bnoddi\b|\btrace\b|\bdmri\b",
    "asl": r"\bp?c?asl\b|perfusion|\bperf\b|\bcbf\b",
    "fmap": r"field ?map|\bfmap\b|b0 ?map|gre field|\bfm2d",
    "reversed": r"topup|distortion|\bpe (ap|pa|lr|rl|is|si)\b|\bpe ?polar|\bblip"
    r"|\brev(erse)?(d)?( ?pe)?\b|\brpe\b",
    "b0": r"\bb ?0\b",
    "m0": r"\bm0\b",
    "sbref": r"\bsb ?ref\b",
    "inplane": r"\bin ?plane\b|\bco ?planar\b",
    "localizer": r"locali[sz]er|\b(aa ?head ?)?scout\b|\bsurvey\b|\bloc\b|\b3 ?plane\b",
    "angio": r"\btof\b|angio|\bmra\b|\bmrv\b",
    "mp2rage": r"mp2 ?rage",
    "inv1": r"\binv ?1\b",
    "inv2": r"\binv ?2\b",
    "denoised": r"\buni ?den\b|\bdenoised\b",
    "megre": r"\bqsm\b|\bmegre\b|\bme ?gre\b",
    "quantitative": r"\b(t1|t2|pd|r1|r2) ?map\b|\b(t1|t2)map|relaxometry|\bmt ?sat",
    "spectroscopy": r"\bmrs\b|\bsvs\b|\bcsi\b|spectro|\bmega ?press\b",
    "reformat": r"\bmip\b|\bminip\b|\breformat|\bprojection\b",
}
"""Word for the kind of an image -> pattern in lower-case text with spaces."""

TASKS = {
    "rest": r"rest(ing)?( ?state)?|rs ?fmri|rsf?mri",
    "nback": r"n ?back|[0-3] ?back",
    "workingmemory": r"working ?memory|wm(?= ?task)|wm",
    "motor": r"motor|finger ?tap(ping)?|tapping",
    "faces": r"faces?|hariri",
    "emotion": r"emotions?|emotional|affect",
    "language": r"language|lang|verb ?gen(eration)?|word ?gen(eration)?",
    "stroop": r"stroop",
    "flanker": r"flanker",
    "gonogo": r"go ?no ?go|gng",
    "stopsignal": r"stop ?signal|sst",
    "gambling": r"gambling",
    "reward": r"reward|mid(?= ?task)",
    "social": r"social|theory of mind|tom",
    "relational": r"relational",
    "movie": r"movie|film|video|naturalistic",
    "memory": r"memory|encoding|retrieval|recall",
    "visual": r"visual|checker ?board|flicker",
    "retinotopy": r"retinotopy|retino|prf",
    "auditory": r"auditory|audio|sounds?|tones?|listening",
    "pain": r"pain|heat|thermal",
    "imagery": r"imagery",
    "reading": r"reading|story",
    "attention": r"attention|ant(?= ?task)",
    "localizer": r"functional ?locali[sz]er|floc|locali[sz]er",
    "breathhold": r"breath ?hold(ing)?",
}
"""Label of a task -> pattern in lower-case text with spaces. The first match counts."""

CONTRASTS = ("T1w", "T2w", "FLAIR", "PDw", "T2starw", "bold", "dwi", "asl")
"""Words that contradict each other; the first five may occur together."""

ANATOMICAL = CONTRASTS[:5]

WORDS_OF = {"PDT2": ("PDw", "T2w"), "MEGRE": ("T2starw", "megre"), "MP2RAGE": ("mp2rage", "T1w")}
"""Kind -> words that confirm it, if they differ from its name."""

HEAD = ("HEAD", "BRAIN", "SKULL", "HEADNECK", "NECK", "PHANTOM", "WHOLEBODY")

FOLDERS = {
    **dict.fromkeys(("T1w", "T2w", "FLAIR", "PDw", "T2starw", "PDT2", "MEGRE"), "anat"),
    **dict.fromkeys(("MP2RAGE", "UNIT1", "T1map", "inplaneT1", "inplaneT2"), "anat"),
    **dict.fromkeys(("bold", "sbref"), "func"),
    "dwi": "dwi",
    **dict.fromkeys(("asl", "m0scan"), "perf"),
    **dict.fromkeys(("epi", "phasediff", "magnitude", "fieldmap"), "fmap"),
}
"""Recognised kind -> BIDS folder.

``magnitude`` may have several echoes; ``PDT2`` is a spin echo with a PDw and a T2w echo;
``fieldmap`` is a map in Hz with its magnitude.
"""

FEWEST_SLICES = 10
"""Head images have at least this many slices. Localizers and test images have fewer."""

FEW_VOLUMES = 9
"""Functional series usually have more volumes. Echo-planar field maps do not."""


@dataclass(frozen=True)
class Between:
    """An interval of numbers that includes both ends."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Rule:
    """One rule of the table.

    Parameters
    ----------
    suffix : str or None
        The BIDS suffix; None for a series that is left out.
    why : str
        The reason in words.
    has, lacks : dict
        Fact -> values. In `has` the fact must be one of the values, in `lacks` it must not. A list
        is one of the values if any of its members is.
    by_words : bool
        Whether only the description shows the kind.
    """

    suffix: str | None
    why: str
    has: Mapping[str, Container[object]] = field(default_factory=dict)
    lacks: Mapping[str, Container[object]] = field(default_factory=dict)
    by_words: bool = False

    def fits(self, facts: Mapping[str, object]) -> bool:
        """Return whether the facts of a series meet this rule."""
        return all(any_of(facts[fact], values) for fact, values in self.has.items()) and not any(
            any_of(facts[fact], values) for fact, values in self.lacks.items()
        )


LEFT_OUT = (
    Rule(None, "a CT series; only MR images are converted", has={"modality": ("CT",)}),
    Rule(None, "a PET series; only MR images are converted", has={"modality": ("PT",)}),
    Rule(None, "not an MR series", lacks={"modality": ("MR",)}),
    Rule(None, "it has no image", has={"rows": (None, 0)}),
    Rule(None, "a screen capture", has={"image_type": ("SCREEN", "SCREENSHOT")}),
    Rule("localizer", "marked as a localizer", has={"image_type": ("LOCALIZER",)}),
    # A functional localizer is a time series.
    Rule(
        "localizer",
        "named as a localizer",
        has={"words": ("localizer",)},
        lacks={"sequence": ("EP",)},
        by_words=True,
    ),
    Rule(
        "localizer",
        "slices in several planes; it may be a localizer or several series",
        has={"planes": Between(2, 1e9)},
    ),
    Rule(
        None,
        "reformatted, projected, subtracted or resampled from another series",
        has={
            "image_type": (
                *("MPR", "REFORMATTED", "PROJECTION", "MIP", "MINIP", "MNIP", "SUBTRACTION"),
                "RESAMPLED",
            )
        },
    ),
    Rule(None, "named as reformatted or projected", has={"words": ("reformat",)}, by_words=True),
    Rule(
        None,
        "a map computed from a diffusion or perfusion series",
        has={
            "image_type": (
                *("ADC", "FA", "TRACEW", "COLFA", "EADC", "EXP", "TENSOR", "TENSOR_B0"),
                *("RCBF", "CBF"),
            )
        },
    ),
    Rule(None, "spectroscopy", has={"words": ("spectroscopy",)}, by_words=True),
    Rule(None, "another body part", has={"other_body_part": (True,)}),
    Rule("UNIT1", "the uniform image of MP2RAGE", has={"image_type": ("UNI",)}),
    Rule(
        "T1map",
        "the T1 map of MP2RAGE",
        has={"words": ("mp2rage",), "computed_map": (True,)},
    ),
    Rule(None, "a quantitative map, computed by the scanner", has={"computed_map": (True,)}),
    Rule(
        None,
        "named as a quantitative map",
        has={"words": ("quantitative",)},
        lacks={"words": ("mp2rage",)},
        by_words=True,
    ),
)
"""Series that are no raw images, or whose header names their kind directly."""

KINDS = (
    Rule("sbref", "echo-planar reference image", has={"sequence": ("EP",), "words": ("sbref",)}),
    Rule(
        "m0scan",
        "calibration image of arterial spin labelling",
        has={"asl": (True,), "words": ("m0",)},
    ),
    Rule("asl", "arterial spin labelling", has={"image_type": ("ASL", "PERFUSION")}),
    Rule("asl", "named as arterial spin labelling", has={"words": ("asl",)}, by_words=True),
    Rule("fieldmap", "a field map in Hz with its magnitude", has={"field_map": (True,)}),
    Rule(
        "fieldmap",
        "two volumes of one echo by GE, named as a field map: a map in Hz and its magnitude",
        has={"vendor": ("GE",), "words": ("fmap",), "volumes": (2,), "echoes": (0, 1)},
        lacks={"sequence": ("EP",)},
    ),
    Rule(
        "epi",
        "echo-planar with few volumes, named as a field map or by its direction",
        has={
            "sequence": ("EP",),
            "words": ("fmap", "reversed"),
            "volumes": Between(0, FEW_VOLUMES),
        },
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
        "bold",
        "gradient-echo echo-planar time series with few volumes",
        has={"sequence": ("EP",), "volumes": Between(2, FEW_VOLUMES)},
        lacks={"spin_echo": (True,)},
    ),
    Rule(
        None,
        "echo-planar with a single volume, too few for a time series",
        has={"sequence": ("EP",), "volumes": (1,)},
    ),
    Rule(
        "bold",
        "two-dimensional gradient-echo time series with long echo time",
        has={
            "sequence": ("GR",),
            "dimension": ("2D",),
            "echo_times": Between(12, 80),
            "volumes": Between(FEW_VOLUMES + 1, 1e9),
            "echoes": (1,),
        },
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
        "MP2RAGE",
        "3-D gradient echo with inversion, named MP2RAGE",
        has={"sequence": ("GR", "RM"), "words": ("mp2rage",), "inversion_time": Between(1, 1e5)},
    ),
    Rule(
        "MEGRE",
        "gradient echo without preparation, three or more echoes up to a long echo time",
        has={"sequence": ("GR",), "echoes": Between(3, 99), "echo_times": Between(9, 100)},
        lacks={"sequence": ("EP",), "prepared": (True,), "words": ("T1w",)},
    ),
    Rule(
        "PDT2",
        "spin echo with a proton-density and a T2 echo",
        has={"dual_spin_echo": (True,)},
        lacks={"sequence": ("EP", "GR"), "inversion_time": Between(50, 1e5)},
    ),
    Rule(
        "T1w",
        "3-D gradient echo with inversion or magnetisation preparation (MPRAGE and similar)",
        has={
            "sequence": ("GR", "RM"),
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
"""Kinds of images, recognised by the parameters of their sequence."""

BY_NAME = {
    "T1w": Between(0.5, 50),
    "FLAIR": Between(60, 1000),
    "T2w": Between(50, 1000),
    "PDw": Between(1, 50),
    "bold": Between(10, 80),
}
"""Kind that a description alone may show -> echo times (ms) that agree with it."""


def any_of(fact: object, values: Container[object]) -> bool:
    """Return whether a fact, or any member of a list, is one of the values."""
    if isinstance(fact, list | set):
        return any(item in values for item in fact)
    return fact in values
