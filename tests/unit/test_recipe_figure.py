"""The committed figure of the recipe shows every node of the workflow."""

from pathlib import Path
from xml.etree import ElementTree as ET

import nibabel as nib
import numpy as np
import pytest
from ecdysis.skullstrip.brain_extraction import Task, workflow

FIGURE = Path(__file__).parents[2] / "report" / "brain_extraction.svg"
SVG = "{http://www.w3.org/2000/svg}"
SEARCH_ONLY = {"coarse", "rotation"}


@pytest.mark.parametrize("search", [False, True])
def test_the_figure_has_a_box_for_each_node(tmp_path, search):
    mask = tmp_path / "mask.nii"
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), mask)
    graph = workflow(Task(mask, mask, mask, search=search), tmp_path)
    boxes = {title.text for title in ET.parse(FIGURE).iter(f"{SVG}title")}
    assert set(graph.list_node_names()) - boxes == (SEARCH_ONLY if search else set())
    assert boxes <= set(graph.list_node_names())
