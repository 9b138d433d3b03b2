"""Invented patients, hospitals and scanners, by chance from lists of words.

The lists have names that are words of image headers, too: a patient called Head or Page, a
department called Department, a station named like the model of its scanner.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pydicom import Dataset

from tests.canary.builder import Canaries, base, written


def words(text: str) -> list[str]:
    return text.split()


FAMILY = words("""
    Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker
    White Roberts Green Hall Wood Jackson Clarke Head Page Department Siemens Field Long Short Cook
    King Young Park Stone Gray Black Cross Street Day Best Given Case Hand Foot Body Head-Smith Lee
    Fox Ray Hart Brain Head Spinner Echo Fast Turner Cooper Shaw Marsh Bridges Rivers Banks Price
    Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter
    Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Lange Kopf Feld Weiß Jäger
    García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz
    Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti
    Sørensen Kjær Nielsen Jensen Hansen Østergaard Møller Ångström Lindqvist Wałęsa Kowalski Nowak
    Đặng Nguyễn Trần Phạm Yıldız Özkök Yılmaz Ivanov Petrov Papadopoulos Yamada Tanaka Suzuki Kim
    Park Choi Wang Zhang Li Chen Singh Kumar Patel Sharma Khan Ali O'Brien O'Neill MacDonald
    Al-Rashid VanDyke Œuvrard Dubois Moreau Laurent Lefebvre Roux Fontaine Blanc Legrand Petit
    Martin Simon Michel Garnier Faure Mercier Canon Philips Toshiba Skyra Sagittal Axial Phantom
""")
GIVEN = words("""
    James Mary John Linda Robert Susan Michael Karen David Anna Peter Maria Hans Eva Uwe Ida Lech
    Minh Ana Luc Per Jo Bo Li Omar Pat Max Mark Grace Rose Hope Will Bill Art Miles Dawn Sandy
    Christian Victor Iris Ruby Jade Martin Simon Thomas Marie Head Echo Summer Page
""")
PLACES = words("""
    University_Hospital Saint_Elsewhere Charité_Berlin Klinikum_rechts_der_Isar MRI_Center
    Department_of_Radiology Larkmoor_Infirmary General_Hospital Siemens_Healthineers Head_Clinic
    Karolinska Neuro MR FMRIB_Centre Universitätsklinikum_Freiburg Mayo_Clinic Hôpital_Lariboisière
    Brain_Imaging_Center Institute_of_Psychiatry CUBRIC NIH Imaging Medical_Center_North
""")
DEPARTMENTS = words("""
    Department Radiology Neuro MR_Department Head Brain_Imaging Neurologie Abt._Radiologie Field
    Psychiatry Department_of_Neurology Research MRI_Unit Station_4_West
""")
MAKERS = (
    ("SIEMENS", "Prisma_fit"), ("SIEMENS", "TrioTim"), ("GE MEDICAL SYSTEMS", "DISCOVERY MR750"),
    ("Philips Medical Systems", "Achieva dStream"), ("TOSHIBA", "Vantage Galan 3T"),
    ("CANON_MEC", "Galan 3T"), ("UIH", "uMR 790"),
)  # fmt: skip
STATIONS = ("Galan 3T", "MRC12345", "AWP66012", "Prisma", "TRIO-1", "MR1", "HEAD", "STATION",
            "PHILIPS-9K2", "MR750", "Page", "console2")  # fmt: skip
SERIES = ("t1_mprage_sag_p2_iso", "T1w", "ep2d_bold_64dir", "gre_field_mapping", "AX FLAIR",
          "Head^Brain T2 tse", "cmrr_mbep2d_b1000", "localizer", "DTI 64 b2000")  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """One invented scan.

    Parameters
    ----------
    data : bytes
        The file.
    leaks : tuple of str
        Texts any of which must be found in an output.
    """

    data: bytes
    leaks: tuple[str, ...]


def scans(count: int, seed: int = 1) -> Iterator[Scan]:
    """Yield `count` scans of different people."""
    draw = random.Random(seed)
    for number in range(count):
        yield _scan(draw, number)


def _scan(draw: random.Random, number: int) -> Scan:
    family, given, doctor = draw.choice(FAMILY), draw.choice(GIVEN), draw.choice(FAMILY)
    place = draw.choice(PLACES).replace("_", " ")
    day = date(2005, 1, 1) + timedelta(draw.randrange(7000))
    born = date(1930, 1, 1) + timedelta(draw.randrange(27_000))
    digits = str(draw.randrange(10 ** draw.randint(3, 7), 10**8))[: draw.randint(4, 8)]
    identifier = draw.choice(
        [digits, f"{family[:2].upper()}{digits}", f"MR-{digits}/{number % 90 + 10}"]
    )
    ds = base(Canaries(10 * number))
    _fill(ds, draw, f"{family}^{given}", f"{doctor}^{draw.choice(GIVEN)}", place, day)
    ds.PatientID, ds.PatientBirthDate = identifier, f"{born:%Y%m%d}"
    ds.AccessionNumber = f"A{draw.randrange(10**7)}"
    leaks = (f"{given} {family}", f"{family}{given}", f"{day:%d.%m.%Y}", f"{day:%Y%m%d}",
             f"{born:%Y-%m-%d}", ds.AccessionNumber, identifier)  # fmt: skip
    return Scan(written(ds), leaks)


def _fill(ds: Dataset, draw: random.Random, name: str, doctor: str, place: str, day: date) -> None:
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.ReferringPhysicianName, ds.OperatorsName = name, doctor, doctor[:3]
    ds.InstitutionName = place
    ds.InstitutionalDepartmentName = draw.choice(DEPARTMENTS).replace("_", " ")
    ds.Manufacturer, ds.ManufacturerModelName = draw.choice(MAKERS)
    ds.StationName, ds.DeviceSerialNumber = draw.choice(STATIONS), str(draw.randrange(10**6))
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = f"{day:%Y%m%d}"
    ds.StudyTime = f"{draw.randrange(24):02d}{draw.randrange(60):02d}07.5"
    ds.SeriesDescription = ds.ProtocolName = draw.choice(SERIES)
    ds.BodyPartExamined, ds.ScanningSequence = "HEAD", ["GR", "IR"]
    ds.SoftwareVersions, ds.SequenceName = "syngo MR E11", "*tfl3d1_16ns"
    ds.StudyID, ds.ImageComments = "1", "motion corrected"
