"""Forms of short technical texts in vendors' elements that cannot contain a name."""

import re

from ecdysis.dicom.tables import vocabulary

AXIS = r"(Tra|Sag|Cor)"
COIL = r"[A-Z]{1,3}\d{0,2}"
FORM = re.compile(
    rf"""
      [+-]?\d{{1,7}}(\.\d{{1,7}})?(e[+-]?\d{{1,2}})?   # a number
    | X(_\d{{1,5}})+                                   # ICE dimensions
    | \d{{1,4}}[a-z]?\*\d{{1,4}}[a-z]?                 # matrix: 64p*64
    | FoV\ \d{{1,4}}\*\d{{1,4}}                        # field of view, mm
    | SL\ \d{{1,3}}(\.\d{{1,3}})?                      # slice thickness, mm
    | {AXIS}(>{AXIS}(\(-?\d{{1,2}}\.\d{{1,2}}\))?)*    # orientation: Tra>Cor(-1.6)>Sag(0.5)
    | [APLRIHFS]{{1,2}}->[APLRIHFS]{{1,2}}             # direction: A->P
    | [+-][APLRHF]{{3}}                                # positive directions: +LPH
    | ([a-z]\d(\.\d)?\ ?)+                             # acceleration: p2 s3
    | [A-Z]:\d{{1,2}}[A-Z]?                            # acceleration: F:2S
    | [A-Za-z]{{2,4}}/s\d(,[A-Za-z]{{2,4}}/s\d)*       # prescan: TG/s3,RN/s1
    | ([A-Z]:)?{COIL}([;,-]({COIL}|\d{{1,2}}))*        # coil elements: HE1-4;NE1,2
    """,
    re.VERBOSE,
)
LONGEST = 512


def is_code(text: str) -> bool:
    """Return whether a text has one of the technical forms or is a defined term."""
    if len(text) > LONGEST:
        return False
    return not text or bool(FORM.fullmatch(text)) or text in vocabulary("term")
