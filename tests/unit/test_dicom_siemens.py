"""Siemens headers: how fields are read, and the names of programs and coils that stay."""

from struct import pack

import pytest
from ecdysis.dicom import siemens


class Accept:
    """Accepts values without a name, and texts about the scanner as they are."""

    def __call__(self, text: str) -> bool:
        return "Smith" not in text

    def of_device(self, text: str) -> str:
        return text


def protocol_of(line: str) -> str:
    """Return what stays of a protocol that has one line."""
    text = f"{siemens.BEGIN} ###\n{line}\n{siemens.END} ###\n"
    kept = siemens.protocol(text.encode(), Accept())
    return (kept or b"").decode()


@pytest.mark.parametrize(
    "value",
    [
        "%SiemensSeq%\\gre_field_mapping",
        "%CustomerSeq%\\group_moco\\tfl_multiecho_epinav",
        "%CustomerSeq%/a/b/WIP-925B_ep2d",
    ],
)
def test_the_path_of_a_sequence_stays(value: str) -> None:
    line = f'tSequenceFileName\t = \t"{value}"'
    assert line in protocol_of(line)


@pytest.mark.parametrize("value", ["%CustomerSeq%\\Smith\\tfl", "C:\\users\\tfl", "%A%\\b c"])
def test_the_path_of_a_sequence_goes(value: str) -> None:
    assert "tSequenceFileName" not in protocol_of(f'tSequenceFileName\t = \t"{value}"')


@pytest.mark.parametrize("name", ["32Ch_Head", "NP13_15RX_ACDC", "HeadNeck_20", "Head-32"])
def test_the_name_of_a_coil_stays(name: str) -> None:
    line = f'sCoilSelectMeas.aRxCoilSelectData[0].asList[0].sCoilElementID.tCoilID\t = \t"{name}"'
    assert line in protocol_of(line)


@pytest.mark.parametrize("name", ["20190314", "3", "Coil of Dr X"])
def test_no_other_text_is_the_name_of_a_coil(name: str) -> None:
    assert "tCoilID" not in protocol_of(f'sCoilElementID.tCoilID\t = \t"{name}"')


def test_a_csa_header_is_read_in_any_company() -> None:
    """Fields are taken over from the header before; other lengths and orders change nothing."""
    slow = siemens.Field("SliceNormalVector", 3, "FD", ["0.0", "0.5", "1.0"])
    headers = [
        [siemens.Field("B_value", 1, "IS", ["0"]), slow],
        [siemens.Field("B_value", 1, "IS", ["1000"]), slow],
        [slow, siemens.Field("B_value", 1, "IS", ["1000"])],
        [siemens.Field("EchoLinePosition", 1, "IS", []), slow, slow],
    ]
    for fields in [*headers, *reversed(headers)]:
        parts = [siemens._field_bytes(field) for field in fields]
        header = b"SV10\4\3\2\1" + pack("<ii", len(parts), 77) + b"".join(parts)
        assert siemens.read_csa(header) == fields
