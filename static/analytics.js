// Draws the figures that the page carries, and leads from a point to its rows. The tables beside
// them have the same numbers, and stand in where this file does not run.
"use strict";
(() => {
  const root = document.documentElement;
  const night = matchMedia("(prefers-color-scheme: dark)");
  const charts = [...document.querySelectorAll("[data-figure]")].map((place) => ({
    place,
    panel: place.closest(".panel"),
    carried: JSON.parse(document.getElementById(place.dataset.figure).textContent),
    drawn: "",
  }));
  const looks = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };

  function theme() {
    const chosen = root.dataset.theme;
    if (chosen === "light" || chosen === "dark") return chosen;
    return night.matches ? "dark" : "light";
  }

  // A chart that is not seen has no width to be drawn in; it is drawn when it is.
  function draw(chart) {
    const { place, carried } = chart;
    if (chart.drawn === theme() || !place.offsetWidth) return;
    const first = !chart.drawn;
    chart.drawn = theme();
    const layout = { ...carried.figure.layout, template: carried.templates[chart.drawn] };
    Plotly.react(place, carried.figure.data, layout, looks);
    place.dataset.drawn = chart.drawn;
    if (first) place.on("plotly_click", (event) => follow(event.points));
  }

  function follow(points) {
    const found = points.find((point) => point.customdata);
    if (found) location.assign(found.customdata);
  }

  function drawAll() {
    charts.forEach((chart) => {
      try {
        draw(chart);
      } catch (error) {
        console.error(error);
        chart.panel?.classList.add("as-table");
      }
    });
  }

  document.addEventListener("click", (event) => {
    const turn = event.target.closest(".turn");
    if (!turn || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const panel = turn.closest(".panel");
    turn.textContent = panel.classList.toggle("as-table") ? "Chart" : "Table";
    turn.setAttribute("aria-label", `${turn.textContent} of ${turn.dataset.of}`);
    drawAll();
  });

  new MutationObserver(drawAll).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  night.addEventListener("change", drawAll);
  // In the font of the page, as soon as it is there: a chart measures its labels once.
  document.fonts.ready.then(drawAll);
})();
