"""A picture of the brain-extraction workflow, drawn from the nipype graph itself.

    cd scripts; python -m ecdysis.skullstrip.recipe_graph > ../report/brain_extraction.svg

Layers by the longest path from the start, places within a layer by the mean of the neighbours
above (Sugiyama et al. 1981, doi:10.1109/TSMC.1981.4308636).
"""

import sys
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel as nib
import numpy as np

from ecdysis.skullstrip.brain_extraction import Task, workflow

STEP, LAYER = 200, 84
BOX = (168, 44)
MARGIN = 14

MEANINGS = {
    "head": ("image, template", "its brain mask"),
    "foreground": ("head and background", "Otsu's threshold"),
    "place": ("centres together", ""),
    "bias": ("bias field", "N4"),
    "coarse": ("8 mm", "second strategy only"),
    "rotation": ("search over rotations", "second strategy only"),
    "linear": ("rigid, affine", "mutual information"),
    "nonlinear": ("SyN", "mutual information"),
    "warp_mask": ("brain mask to the head", "→ mask, after closing"),
    "warp_template": ("template to the head", "→ self-check"),
    "region": ("2 mm around the mask", ""),
    "tissue": ("three tissues", "Atropos"),
}
"""What each node does, in two lines; a node without a line here cannot be drawn."""


def draw(graph: Any) -> str:
    """Return a nipype workflow as the text of an SVG, which takes the colour of its surroundings.

    Raises
    ------
    KeyError
        `MEANINGS` has no words for a node.
    """
    # nipype shows its edges in no public way but as a picture by Graphviz.
    edges = [(start.name, end.name) for start, end in graph._graph.edges()]  # noqa: SLF001
    layers = _layers(edges)
    rows, links = _with_bends(layers, edges)
    _settle(rows, links)
    width = max(place for row in rows for place in row.values()) * STEP + BOX[0] + 2 * MARGIN
    height = (len(rows) - 1) * LAYER + BOX[1] + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}"'
        f' width="{width:.0f}" font-family="sans-serif" font-size="13" fill="currentColor"'
        ' role="img" aria-label="The steps of brain extraction">',
        *(_link(rows, at, ends) for at, pairs in enumerate(links) for ends in pairs),
        *(_box(rows, name, at) for name, at in layers.items()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _layers(edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each node: the longest path that leads to it."""
    layers = {name: 0 for edge in edges for name in edge}
    for _ in layers:
        for start, end in edges:
            layers[end] = max(layers[end], layers[start] + 1)
    return layers


def _with_bends(
    layers: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> tuple[list[dict[str, float]], list[list[tuple[str, str]]]]:
    """Return the rows with bends where an edge passes a layer, and the links between rows."""
    rows: list[dict[str, float]] = [{} for _ in range(max(layers.values()) + 1)]
    for name, at in layers.items():
        rows[at][name] = 0
    links: list[list[tuple[str, str]]] = [[] for _ in rows[1:]]
    for start, end in edges:
        bends = [f"{start}>{at}" for at in range(layers[start] + 1, layers[end])]
        for at, ends in enumerate(pairwise([start, *bends, end]), start=layers[start]):
            # Edges from one node run together as far as they go.
            if ends not in links[at]:
                links[at].append(ends)
            rows[at + 1].setdefault(ends[1], 0)
    return rows, links


def _settle(rows: list[dict[str, float]], links: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Give every node its place in its row, beneath those it comes from."""
    for at, row in enumerate(rows):
        if at:
            above = rows[at - 1]
            for name in row:
                places = [above[start] for start, end in links[at - 1] if end == name]
                row[name] = sum(places) / len(places)
        for place, name in enumerate(sorted(row, key=lambda name: (row[name], ">" in name))):
            row[name] = place


def _box(rows: Sequence[Mapping[str, float]], name: str, at: int) -> str:
    x, y = rows[at][name] * STEP + MARGIN, at * LAYER + MARGIN
    title, detail = MEANINGS[name]
    middle = x + BOX[0] / 2
    texts = [(title, y + (19 if detail else 27), ""), (detail, y + 36, ' opacity="0.7"')]
    words = "".join(
        f'<text x="{middle:.0f}" y="{place:.0f}" text-anchor="middle"{more}>{escape(text)}</text>'
        for text, place, more in texts
        if text
    )
    return (
        f'<g><title>{escape(name)}</title><rect x="{x:.0f}" y="{y}" width="{BOX[0]}"'
        f' height="{BOX[1]}" rx="6" fill="none" stroke="currentColor"/>{words}</g>'
    )


def _link(rows: Sequence[Mapping[str, float]], at: int, ends: tuple[str, str]) -> str:
    """Return a curve from one row to the next; through a bend it goes straight on."""
    start, end = ends
    x0, x1 = (
        rows[row][name] * STEP + MARGIN + BOX[0] / 2 for row, name in ((at, start), (at + 1, end))
    )
    top, bottom = at * LAYER + MARGIN, (at + 1) * LAYER + MARGIN
    straight = f"M{x0:.0f} {top}v{BOX[1]}" if ">" in start else f"M{x0:.0f} {top + BOX[1]}"
    middle = (top + BOX[1] + bottom) / 2
    return (
        f'<path d="{straight}C{x0:.0f} {middle:.0f} {x1:.0f} {middle:.0f} {x1:.0f} {bottom}"'
        ' fill="none" stroke="currentColor" stroke-opacity="0.5"/>'
    )


def recipe() -> str:
    """Draw the first strategy of the recipe."""
    with TemporaryDirectory() as folder:
        return draw(workflow(empty_task(Path(folder)), Path(folder)))


def empty_task(folder: Path) -> Task:
    """Return a task with an empty template mask: the graph needs the file, not its content."""
    mask = folder / "mask.nii"
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), mask)
    return Task(mask, mask, mask)


if __name__ == "__main__":
    sys.stdout.write(recipe())
