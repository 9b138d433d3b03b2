"""Headers of scanners and protocols that the DICOM phantoms use, as data.

Values follow common 3 T practice: the MPRAGE of ADNI-2 (Jack et al. 2008,
doi:10.1002/jmri.21049) and a turbo spin echo. Vendors differ in names, image types and
private numbers; the elements of GE and Philips are in the Safe Private list of PS3.15
Table E.3.10-1.
"""

from typing import Any

# Group, private creator, and (offset, VR, value) of its elements.
PrivateBlock = tuple[int, str, list[tuple[int, str, Any]]]

NOTES_GROUP, NOTES_CREATOR = 0x0033, "HOSPITAL NOTES"

VENDORS: dict[str, dict[str, str]] = {
    "neutral": {
        "Manufacturer": "Plumage Imaging",
        "ManufacturerModelName": "Moult 3T",
        "SoftwareVersions": "4.2",
    },
    "siemens": {
        "Manufacturer": "SIEMENS",
        "ManufacturerModelName": "Prisma",
        "SoftwareVersions": "syngo MR E11",
    },
    "ge": {
        "Manufacturer": "GE MEDICAL SYSTEMS",
        "ManufacturerModelName": "DISCOVERY MR750",
        "SoftwareVersions": "DV26.0_R01",
    },
    "philips": {
        "Manufacturer": "Philips Medical Systems",
        "ManufacturerModelName": "Ingenia",
        "SoftwareVersions": "5.3.1",
    },
}

VENDOR_BLOCKS: dict[str, list[PrivateBlock]] = {
    "neutral": [(0x0029, "PLUMAGE MR 1.0", [(0x01, "DS", "0.25"), (0x02, "IS", "64")])],
    "siemens": [(0x0051, "SIEMENS MR HEADER", [(0x0B, "LO", "161p*169"), (0x0F, "LO", "HEA;HEP")])],
    "ge": [(0x0043, "GEMS_PARM_01", [(0x39, "IS", ["0", "0", "0", "0"])])],
    "philips": [
        (0x2001, "Philips Imaging DD 001", [(0x03, "FL", 0.0)]),
        (0x2005, "Philips MR Imaging DD 001", [(0x0D, "FL", 0.0), (0x0E, "FL", 1.0)]),
    ],
}

PROTOCOLS: dict[str, dict[str, Any]] = {
    "T1w": {
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": ["SK", "SP", "MP"],
        "MRAcquisitionType": "3D",
        "RepetitionTime": "2300",
        "EchoTime": "2.98",
        "InversionTime": "900",
        "FlipAngle": "9",
        "PixelBandwidth": "240",
        "EchoTrainLength": "1",
    },
    "T2w": {
        "ScanningSequence": "SE",
        "SequenceVariant": ["SK", "SP"],
        "MRAcquisitionType": "2D",
        "RepetitionTime": "5000",
        "EchoTime": "100",
        "FlipAngle": "150",
        "PixelBandwidth": "200",
        "EchoTrainLength": "15",
    },
    "localizer": {
        "ScanningSequence": "GR",
        "SequenceVariant": ["SP", "OSP"],
        "MRAcquisitionType": "2D",
        "RepetitionTime": "8.6",
        "EchoTime": "4",
        "FlipAngle": "20",
        "PixelBandwidth": "320",
        "EchoTrainLength": "1",
    },
}

DESCRIPTIONS: dict[str, dict[str, str]] = {
    "neutral": {"T1w": "3D T1 sag", "T2w": "T2 TSE tra", "localizer": "Survey"},
    "siemens": {"T1w": "t1_mprage_sag_p2", "T2w": "t2_tse_tra", "localizer": "localizer"},
    "ge": {"T1w": "Sag T1 MPRAGE", "T2w": "Ax T2 FSE", "localizer": "3Plane Loc"},
    "philips": {"T1w": "sT1W_3D_TFE", "T2w": "T2W_TSE", "localizer": "SURVEY"},
}

IMAGE_TYPES: dict[str, list[str]] = {
    "neutral": ["ORIGINAL", "PRIMARY", "M"],
    "siemens": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"],
    "ge": ["ORIGINAL", "PRIMARY", "OTHER"],
    "philips": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"],
}
