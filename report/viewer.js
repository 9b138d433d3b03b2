"use strict";
// brainsprite makes the viewer when the page has loaded; its object is caught here, so that
// sliders, keys and the layer's switch can move it.
(() => {
  const make = window.brainsprite;
  const field = (id) => document.getElementById(id);

  function tell(viewer) {
    const words = [];
    for (const axis of ["X", "Y", "Z"]) {
      const mm = Math.round(viewer.coordinatesSlice[axis]);
      field(axis).value = viewer.numSlice[axis];
      field(axis).setAttribute("aria-valuetext", `${mm} mm`);
      words.push(`${axis.toLowerCase()} = ${mm} mm`);
    }
    field("place").textContent = words.join(", ");
    viewer.canvas.setAttribute("aria-label", `Cuts at ${words.join(", ")}`);
  }

  function redraw(viewer) {
    // init paints background and layer again and works out the coordinates.
    viewer.init();
    viewer.drawAll();
    tell(viewer);
  }

  window.brainsprite = (settings) => {
    const look = { smooth: true, sizeFont: 0.05, colorCrosshair: "#3fd0ff" };
    const viewer = make({ ...settings, ...look, onclick: () => tell(viewer) });
    viewer.canvas.setAttribute("role", "img");
    for (const axis of ["X", "Y", "Z"]) {
      field(axis).max = viewer.nbSlice[axis] - 1;
      field(axis).addEventListener("input", (event) => {
        viewer.numSlice[axis] = Number(event.target.value);
        redraw(viewer);
      });
    }
    const full = viewer.overlay.opacity;
    field("opacity").value = 100 * full;
    const layer = () => {
      viewer.overlay.opacity = field("layer").checked ? field("opacity").value / 100 : 0;
      redraw(viewer);
    };
    field("layer").addEventListener("change", layer);
    field("opacity").addEventListener("input", layer);
    field("cross").addEventListener("change", (event) => {
      viewer.crosshair = event.target.checked;
      redraw(viewer);
    });
    field("controls").addEventListener("submit", (event) => event.preventDefault());
    redraw(viewer);
    return viewer;
  };
})();
