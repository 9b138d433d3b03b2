"""Invented patients, so that de-identification has something to remove."""

from dataclasses import dataclass

import numpy as np

FAMILY_NAMES = (
    *("Quillfeather", "Møllegård", "Ravenscroft-Iwu"),
    *("Zubizarreta", "Thistlewood", "Özkök"),
)
GIVEN_NAMES = {
    "F": ("Marisol", "Ingrid Åse", "Temperance", "Leocadia"),
    "M": ("Balthazar", "Søren", "Ignatius", "Hyacinth"),
}
PHYSICIANS = ("Featherstonhaugh^Odile^^Dr.", "Nwosu-Lindqvist^Aurel^^Dr.", "Pettibone^Cosmo^^Prof.")
HOSPITALS = (
    ("Larkmoor Infirmary", "17 Heron Quay, Larkmoor"),
    ("Sankt Wendelin Klinikum", "Amselgasse 4, Wendelin"),
)


@dataclass(frozen=True)
class Identity:
    """Everything that names a person in a scanner's header; the names are invented.

    Names of persons are as in DICOM, ``family^given``; `birth_date` is ``YYYYMMDD``, `sex` F or M.
    """

    name: str
    patient_id: str
    accession_number: str
    phone: str
    address: str
    comment: str
    birth_date: str
    sex: str
    weight_kg: float
    height_m: float
    referring: str
    performing: str
    operator: str
    hospital: str
    hospital_address: str

    def texts(self) -> list[str]:
        """Texts that must not be in any de-identified output."""
        names = (self.name, self.referring, self.performing, self.operator)
        parts = [part for name in names for part in name.split("^")[:2] if part]
        numbers = [self.patient_id, self.accession_number, self.phone, self.birth_date]
        return [*parts, *numbers, self.address, self.hospital, self.hospital_address]


def invented_identity(seed: int) -> Identity:
    """Invent a patient; consecutive seeds have different family names and IDs."""
    draw = np.random.default_rng([seed, 4])
    sex = str(draw.choice(["F", "M"]))
    family = FAMILY_NAMES[seed % len(FAMILY_NAMES)]
    given = str(draw.choice(GIVEN_NAMES[sex]))
    staff = [str(name) for name in draw.permutation(PHYSICIANS)]
    hospital, hospital_address = HOSPITALS[seed % len(HOSPITALS)]
    born = f"{draw.integers(1940, 2000)}{draw.integers(1, 13):02d}{draw.integers(1, 29):02d}"
    return Identity(
        name=f"{family}^{given}",
        patient_id=f"LK-{draw.integers(100, 1000)}{seed:03d}/{born[2:4]}",
        accession_number=f"A{draw.integers(10**7, 10**8)}",
        phone=f"+00 555 {draw.integers(10**5, 10**6)}",
        address=f"{draw.integers(2, 99)} Wagtail Lane, Nether Plumage",
        comment=f"{given} {family}: headache since spring, please call {staff[0].split('^')[0]}",
        birth_date=born,
        sex=sex,
        weight_kg=round(float(draw.uniform(50, 95)), 1),
        height_m=round(float(draw.uniform(1.5, 1.95)), 2),
        referring=staff[0],
        performing=staff[1],
        operator=staff[2],
        hospital=hospital,
        hospital_address=hospital_address,
    )
