"""The fuzz targets for a moment, on inputs that do not change; and what they have found."""

import struct

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.mutate import inputs, seeds
from tests.fuzz.targets import TARGETS, timed

EXAMPLES = {"cleaner": 300, "index": 200, "nifti": 100, "discovery": 40, "config": 15}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_a_target_misbehaves_on_no_input(target):
    @settings(
        max_examples=EXAMPLES[target],
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target))
    def holds(data):
        with timed():
            TARGETS[target](data)

    holds()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_the_seeds_themselves_pass(target):
    assert seeds(target)
    for seed in seeds(target):
        TARGETS[target](seed)


def _with_field(offset, form, value):
    (seed,) = [seed for seed in seeds("nifti") if seed[344:348] == b"n+1\0" and seed[40] == 3]
    return seed[:offset] + struct.pack(form, value) + seed[offset + struct.calcsize(form) :]


@pytest.mark.parametrize(
    ("target", "data"),
    [
        # a number of four bytes that is 1033 bytes long ended the whole index
        ("index", b"\x02\0\0\0UL" + struct.pack("<H", 1033) + bytes(1033) * 2),
        # nibabel has no name for such a code and ended the job without a reason
        ("nifti", _with_field(252, "<h", 23809)),
        ("nifti", _with_field(254, "<h", -3)),
        # a message repeated the control characters of a table
        ("config", b"series\tuid\tname\nabcd\t1.2.3\t\0\x1b[2Ja\n"),
        # eight lines of aliases stand for 10^8 values
        ("config", b"a: &a [x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 10))
            for n in range(8)) + b"participant_label: *i\n"),
        ("config", b"participant_label: &a [*a]\n"),
        ("config", b"[" * 100_000),
        ("config", b"deface: !!python/object/apply:os.system ['touch pwned']\n"),
    ],
)  # fmt: skip
def test_what_was_found_stays_repaired(target, data):
    with timed():
        TARGETS[target](data)
