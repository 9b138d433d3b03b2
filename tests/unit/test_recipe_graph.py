"""The picture of the recipe shows the recipe."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ecdysis.skullstrip import recipe_graph
from ecdysis.skullstrip.brain_extraction import workflow

PICTURE = Path(__file__).parents[2] / "report" / "brain_extraction.svg"
NAMES = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_up_to_date():
    assert PICTURE.read_text() == recipe_graph.recipe(), "see ecdysis/skullstrip/recipe_graph.py"


@pytest.mark.parametrize("search", [False, True])
def test_every_node_has_its_box_and_none_lies_on_another(tmp_path, search):
    graph = workflow(replace(recipe_graph.empty_task(tmp_path), search=search), tmp_path)
    drawn = ET.fromstring(recipe_graph.draw(graph))
    boxes = {
        group.find(f"{NAMES}title").text: group.find(f"{NAMES}rect").attrib
        for group in drawn.iter(f"{NAMES}g")
    }
    assert set(boxes) == set(graph.list_node_names())
    places = [(box["x"], box["y"]) for box in boxes.values()]
    assert len(set(places)) == len(places)


def test_an_edge_leads_down():
    edges = [("a", "b"), ("b", "c"), ("a", "c")]
    assert recipe_graph._layers(edges) == {"a": 0, "b": 1, "c": 2}
