import tempfile

import pytest
from ecdysis.errors import InputError
from ecdysis.plain_folder import linked, plain_folder


def test_links_have_plain_names_and_lead_to_the_file(tmp_path):
    odd = tmp_path / "a b; $(touch x) 'ü'.nii.gz"
    odd.write_text("voxels")
    with plain_folder() as folder:
        link = linked(odd, folder, "image")
        assert link == folder / "image.nii.gz"
        assert link.read_text() == "voxels"
    assert not folder.exists()
    assert odd.exists()


@pytest.mark.parametrize("name", ["with blank", "semi;colon", "$(x)"])
def test_a_temporary_folder_that_is_not_plain_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    with pytest.raises(InputError, match="TMPDIR"), plain_folder():
        pass
