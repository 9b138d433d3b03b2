"""Words of a header that may be told outside the private folder.

A header may hold a name in any field, so a text is passed on only when it is one of these:
the defined terms of PS3.3 (sections C.7.3.1.1.1, C.7.6.16, C.8.3.1 and C.8.13) and what the
vendors add to ImageType.
"""

_CODES = {
    "Modality": "MR CT PT US CR DX MG NM XA RF SR PR KO OT SC REG SEG RTSTRUCT",
    "ScanningSequence": "SE IR GR EP RM",
    "SequenceVariant": "SK MTC SS TRSS SP MP OSP TOF NONE",
    "MRAcquisitionType": "1D 2D 3D",
    "EchoPulseSequence": "SPIN GRADIENT BOTH",
    "EchoPlanarPulseSequence": "YES NO",
    "InversionRecovery": "YES NO",
    "InPlanePhaseEncodingDirection": "ROW COL COLUMN OTHER",
    "BodyPartExamined": """
        HEAD BRAIN SKULL NECK HEADNECK CSPINE TSPINE LSPINE SPINE SHOULDER ELBOW WRIST HAND HIP
        KNEE ANKLE FOOT LEG ARM EXTREMITY ABDOMEN LIVER PELVIS PROSTATE BREAST HEART CHEST EYE
        ORBIT PHANTOM WHOLEBODY
        """,
    "ImageType": """
        ORIGINAL DERIVED PRIMARY SECONDARY LOCALIZER MPR REFORMATTED PROJECTION MIP MINIP MNIP
        MOSAIC M P R I M_FFE M_SE M_IR PHASE_MAP MAGNITUDE PHASE REAL IMAGINARY ND NORM DIS2D
        DIS3D DIFFUSION ADC FA TRACEW COLFA EADC EXP TENSOR DENSITY PERFUSION ASL SUBTRACTION
        COMPRESSED UNI INV1 INV2 SWI FMRI EPI FFE SE T1 T2 T2_STAR MAP MEAN MOCO ADD NONE OTHER
        FIELD_MAP B0 B1 SCREENSHOT CSA RESAMPLED
        """,
    "Manufacturer": "SIEMENS GE PHILIPS CANON TOSHIBA HITACHI UIH BRUKER",
}

CODES = {keyword: frozenset(text.split()) for keyword, text in _CODES.items()}
"""Keyword -> the terms that may be told."""
