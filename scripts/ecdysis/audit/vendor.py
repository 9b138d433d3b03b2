"""What dcm2niix reads from the headers of Siemens and GE, decoded apart from the cleaner.

CSA headers are read by nibabel; the other layouts are those that dcm2niix documents in
``nii_dicom.cpp`` and ``nii_dicom_batch.cpp``.
"""

import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from struct import Struct, error, pack, unpack_from

CSA_FIELDS = (
    "NumberOfImagesInMosaic", "ProtocolSliceNumber", "B_value", "B_matrix",
    "DiffusionGradientDirection", "BandwidthPerPixelPhaseEncode", "MosaicRefAcqTimes",
    "SliceNormalVector", "PhaseEncodingDirectionPositive", "SliceMeasurementDuration",
    "RealDwellTime", "TimeAfterStart",
)  # fmt: skip
"""Fields of the CSA image header that hold numbers."""

CSA_PROTOCOLS = ("MrPhoenixProtocol", "MrProtocol")
"""Fields of the CSA series header that hold the protocol; the second in VB12 and older."""

CSA_READ = {name.encode() for name in (*CSA_FIELDS, *CSA_PROTOCOLS)}
CSA_SECOND, CSA_HEAD = b"SV10", b"SV10\4\3\2\1" + pack("<II", 1, 77)
"""The start of a header of type 2, and of one with a single field."""

CSA_ENTRY, CSA_LENGTH = Struct("<64s12xi4x").unpack_from, Struct("<4xi8x").unpack_from
"""Name and number of items of a field; length of an item."""

MOST_FIELDS = 1024
MALFORMED = (error, ValueError, LookupError, AssertionError)

PROTOCOL_KEYS = re.compile(
    r"sKSpace\.(lPhaseEncodingLines|lBaseResolution|uc2DInterpolation|ucPhasePartialFourier"
    r"|dPhaseOversamplingForDialog|dPhaseResolution)"
    r"|sSliceArray\.(ucImageNumb|ucMode)|sFastImaging\.lEchoSpacing|sDiffusion\.dsScheme"
    r"|ucReadOutMode|ucCoilCombineMode|sPrepPulses\.ucMTC|dAveragesDouble|lDelayTimeInTR"
    r"|sPat\.(lAccelFactPE|lAccelFact3D|lRefLinesPE|ucPATMode)|alT[EI]\[\d+\]"
    r"|sW[iI][pP]MemBlock\.a[ld]Free\[\d+\]"
    r"|sRSatArray\.asElm\[1\]\.(dThickness|ulShape|sPosition\.dTra|sNormal\.dTra)"
    r"|sTXSPEC\.asNucleusInfo\[0\]\.flReferenceAmplitude"
    r"|sGRADSPEC\.(asGPAData\[0\]\.)?lOffset[XYZ]|sGRADSPEC\.alShimCurrent\[[0-4]\]"
)
"""Keys of the protocol with numbers that dcm2niix reads."""

PROTOCOL_LINE = re.compile(r"^([\w.\[\]]+)[ \t]*=[ \t]*([-+.\dxXa-fA-F]+)[ \t\r]*$", re.MULTILINE)
GE_SETTING = re.compile(r'^(?:set )?(SLICEORDER|VIEWORDER|MBACCEL|NOSLC|DELACQ|DELACQNOAV'
                        r'|PHASEDELAYS1) "(Minimum|[\d. ]+)"', re.MULTILINE)  # fmt: skip
SATURATION = "sRSatArray.asElm[1]"
LARGEST_BLOCK = 1 << 22
GE_OFFSET, GE_MOVED_FROM = 24, 25.002

Facts = Mapping[str, object]


def protocol(raw: bytes) -> Facts:
    """Return the numbers of a Siemens protocol by key."""
    text = raw.decode("latin-1")
    begin, end = text.find("### ASCCONV BEGIN"), text.find("### ASCCONV END")
    if not 0 <= begin < end:
        return {}
    lines = PROTOCOL_LINE.findall(text[begin:end])
    numbers = {key: _number(value) for key, value in lines if PROTOCOL_KEYS.fullmatch(key)}
    # dcm2niix reads a saturation band only where one is set.
    if not numbers.get(f"{SATURATION}.dThickness"):
        return {key: value for key, value in numbers.items() if not key.startswith(SATURATION)}
    return numbers


def csa(raw: bytes) -> Facts:
    """Return the numbers of a Siemens CSA header by field, those of its protocol among them."""
    facts: dict[str, object] = {}
    try:
        for header in _csa_fields(raw):
            facts |= _csa_facts(header)
    except MALFORMED:
        return {}
    return facts


def _csa_fields(raw: bytes) -> Iterator[bytes]:
    """Yield each field of a CSA header that holds facts as a header of its own.

    Fields recur from slice to slice, whole headers do not. Headers of type 1 are not divided.

    Raises
    ------
    ValueError, struct.error
        The header is malformed.
    """
    if not raw.startswith(CSA_SECOND):
        yield raw
        return
    (count,) = unpack_from("<I", raw, len(CSA_SECOND) + 4)
    position = len(CSA_SECOND) + 12
    if not 0 < count <= MOST_FIELDS:
        raise ValueError
    for _ in range(count):
        start = position
        name, items = CSA_ENTRY(raw, position)
        position += 84
        for _ in range(items):
            (length,) = CSA_LENGTH(raw, position)
            position += 16 + (length + 3) // 4 * 4
            if length < 0 or position > len(raw) + 3:
                raise ValueError
        if name.split(b"\0", 1)[0] in CSA_READ:
            yield CSA_HEAD + raw[start:position]


@lru_cache(maxsize=1024)
def _csa_facts(header: bytes) -> Facts:
    """Return the numbers of a CSA header, which nibabel reads.

    Raises
    ------
    ValueError, LookupError, struct.error
        The header is malformed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nibabel.nicom.csareader import CSAError, read
    try:
        tags = read(header)["tags"]
    except CSAError as problem:
        raise ValueError(str(problem)) from problem
    fields = {name: tags[name]["items"] for name in CSA_FIELDS if name in tags}
    facts: dict[str, object] = {
        name: tuple(map(_number, map(str, items))) for name, items in fields.items() if items
    }
    for name in CSA_PROTOCOLS:
        for item in tags[name]["items"] if name in tags else ():
            facts |= protocol(str(item).encode("latin-1", "replace"))
    return facts


def ge_protocol(raw: bytes) -> Facts:
    """Return the settings of slice order and delays of a GE protocol data block."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = unpacker.decompress(raw[4:], LARGEST_BLOCK).decode("latin-1")
    except zlib.error:
        return {}
    return {key: setting.strip() for key, setting in GE_SETTING.findall(text)}


def ge_flags(raw: bytes) -> Facts:
    """Return the flags of phase encoding in the user-defined data of GE."""
    try:
        (start,) = unpack_from("<H", raw, GE_OFFSET)
        (version,) = unpack_from("<f", raw, start)
        if not 5 <= version <= 40:
            return {}
        moved = version >= GE_MOVED_FROM
        base = start + (0x4C if moved else 0)
        view = base + 0x394 - (0x8C if moved else 0)
        polarity, epi, order = (
            unpack_from("<H", raw, at)[0] for at in (base + 0x30, base + 0x3A, view)
        )
    except error:
        return {}
    return {"polarity": polarity & 4, "epi": epi & 0x800, "view order": order & 7}


READERS: dict[str, Callable[[bytes], Facts]] = {
    "csa": csa, "protocol": protocol, "ge_protocol": ge_protocol, "ge_flags": ge_flags,
}  # fmt: skip


@lru_cache(maxsize=64)
def facts(rule: str, raw: bytes) -> Facts:
    """Return what dcm2niix reads of a structure, by the rule of ``kept_elements.tsv``."""
    return READERS[rule](raw)


def is_readable(rule: str, raw: bytes) -> bool:
    """Whether a CSA header has the layout of one; the other structures may be empty."""
    try:
        for header in _csa_fields(raw) if rule == "csa" else ():
            _csa_facts(header)
    except MALFORMED:
        return False
    return True


def _number(text: str) -> float | str:
    try:
        return float(int(text, 16)) if text.lower().startswith("0x") else float(text)
    except ValueError:
        return text
