"""Where the ANTs programs come from, and what happens when they fail."""

import os
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pytest
from ecdysis.errors import InputError
from ecdysis.skullstrip import providers


def fake_ants(folder, script):
    """Write a shell script under the name of each needed program; return a PATH of them."""
    folder.mkdir()
    for program in providers.NEEDED_PROGRAMS:
        path = folder / program
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.fixture
def no_ants(monkeypatch):
    monkeypatch.setenv("PATH", f"/usr/bin{os.pathsep}/bin")
    if shutil.which("antsRegistration"):
        pytest.skip("ANTs is installed in /usr/bin")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "blob.nii"
    nib.save(nib.Nifti1Image(np.indices((8, 8, 8)).sum(axis=0).astype(np.float32), np.eye(4)), path)
    return path


def test_auto_without_executables_is_embedded(no_ants):
    provider = providers.find("auto")
    assert provider.name == "embedded"
    assert provider.facts["ants_version"].startswith("antspyx 0.6.3, ANTs 2.")
    assert "provider_remark" not in provider.facts


def test_nipype_runs_over_the_launchers_and_path_is_restored(no_ants, image, tmp_path):
    changed = ("PATH", "ANTSPATH", "NIPYPE_CONFIG_DIR", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    before = {name: os.environ.get(name) for name in changed}
    with providers.find("embedded").activated(threads=2):
        assert os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] == "2"
        for program in providers.NEEDED_PROGRAMS:
            assert shutil.which(program)
        from nipype.interfaces.ants import ThresholdImage

        output = tmp_path / "thresholded.nii"
        ThresholdImage(
            input_image=str(image), output_image=str(output), th_low=10, th_high=100
        ).run()
    assert {name: os.environ.get(name) for name in changed} == before
    assert np.array_equal(nib.load(output).get_fdata() > 0, nib.load(image).get_fdata() >= 10)


def test_a_failing_program_is_an_error_that_names_it(no_ants, image, tmp_path):
    with providers.find("embedded").activated():
        from nipype.interfaces.ants import ThresholdImage

        broken = tmp_path / "broken.nii"
        broken.write_bytes(b"not an image")
        with pytest.raises(Exception, match="ThresholdImage"):
            ThresholdImage(input_image=str(broken), output_image="x.nii", th_low=1, th_high=2).run()
        done = subprocess.run(["ThresholdImage", "3", broken, "x.nii", "1", "2"], check=False)
    assert done.returncode != 0


def test_executables_that_run_are_preferred(tmp_path, monkeypatch):
    script = '[ "$1" = --version ] && echo "ANTs Version: v9.8.7-gabc"; exit 0'
    monkeypatch.setenv("PATH", fake_ants(tmp_path / "bin", script))
    for choice in ("auto", "system"):
        provider = providers.find(choice)
        assert (provider.name, provider.version) == ("system", "9.8.7-gabc")


def test_executables_that_crash_when_used_are_passed_over(tmp_path, monkeypatch):
    script = '[ "$1" = --version ] && echo "ANTs Version: v2.5.4" && exit 0; kill -SEGV $$'
    monkeypatch.setenv("PATH", fake_ants(tmp_path / "bin", script))
    provider = providers.find("auto")
    assert provider.name == "embedded"
    assert "cannot register a test image (exit status -11)" in provider.facts["provider_remark"]
    with pytest.raises(InputError, match=r"exit status -11.*provider: embedded"):
        providers.find("system")


def test_executables_that_do_not_start_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", fake_ants(tmp_path / "bin", "exit 127"))
    assert "does not run" in str(providers.find("auto").remark)


def test_system_without_executables_says_what_to_do(no_ants):
    with pytest.raises(InputError, match=r"antsRegistration.*not on PATH.*Put a working ANTs"):
        providers.find("system")


def test_an_unknown_choice_names_the_choices():
    with pytest.raises(InputError, match=r"'docker'.*auto.*system.*embedded"):
        providers.find("docker")


def test_a_missing_script_is_found_before_any_work(no_ants):
    with pytest.raises(InputError, match=r"antsBrainExtraction\.sh.*Atropos"):
        providers.require_script("antsBrainExtraction.sh")
