"""ITK's affine transforms as files."""

import nibabel as nib
import numpy as np
import pytest
from ecdysis.skullstrip.itk import read_affine, write_affine
from nibabel.eulerangles import euler2mat
from scipy.io import savemat


def test_what_is_written_is_read_again(tmp_path):
    affine = nib.affines.from_matvec(1.1 * euler2mat(0.3, -0.2, 0.5), [10, -20, 30])
    for centre in (None, np.array([5.0, 6, 7])):
        write_affine(affine, tmp_path / "affine.txt", centre)
        assert np.allclose(read_affine(tmp_path / "affine.txt"), affine, atol=1e-6)


def test_itk_reads_what_is_written_as_it_is_meant(tmp_path):
    from ecdysis.skullstrip import providers

    image = np.zeros((20, 20, 20), np.float32)
    image[4:7, 9:12, 14:17] = 1
    nib.save(nib.Nifti1Image(image, np.eye(4)), tmp_path / "image.nii")
    # Resampling takes a point of the result to one of the image.
    shift = nib.affines.from_matvec(np.eye(3), [3, -2, 5])
    write_affine(shift, tmp_path / "shift.txt")
    with providers.find("embedded").activated():
        from nipype.interfaces.ants import ApplyTransforms

        moved = ApplyTransforms(
            dimension=3,
            input_image=str(tmp_path / "image.nii"),
            reference_image=str(tmp_path / "image.nii"),
            transforms=[str(tmp_path / "shift.txt")],
            output_image=str(tmp_path / "moved.nii"),
        )
        moved.run(cwd=str(tmp_path))
    found = np.argwhere(nib.load(tmp_path / "moved.nii").get_fdata() > 0.5).min(axis=0)
    assert found.tolist() == [4 - 3, 9 + 2, 14 - 5]


def test_another_transform_is_refused(tmp_path):
    savemat(tmp_path / "field.mat", {"Other": np.zeros((3, 1)), "fixed": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="not the 12"):
        read_affine(tmp_path / "field.mat")
