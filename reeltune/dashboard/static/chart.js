// Charts of numbers over experiments, by uPlot; colours are those of the style sheet.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function axis(label, size) {
  return {
    label,
    size,
    labelSize: 20,
    stroke: colour("--soft"),
    grid: { stroke: colour("--faint"), width: 1 },
    ticks: { stroke: colour("--rule"), width: 1 },
  };
}

function dots(label, stroke) {
  return {
    label,
    stroke,
    paths: () => null,
    points: { show: true, size: 5, fill: stroke, stroke, width: 0 },
  };
}

function options(width, unit) {
  return {
    width,
    height: width < 500 ? 260 : 340,
    scales: { x: { time: false } },
    axes: [axis("experiment", 34), axis(unit, 58)],
    series: [
      { label: "experiment" },
      dots("within the guardrails", colour("--in")),
      dots("a guardrail is violated", colour("--out")),
      {
        label: "best so far",
        stroke: colour("--best"),
        width: 2,
        paths: window.uPlot.paths.stepped({ align: 1 }),
        points: { show: false },
      },
    ],
  };
}

async function load(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the chart's numbers could not be read (${answer.status})`);
  const found = await answer.json();
  return [found.number, found.kept, found.violated, found.best];
}

async function draw(box) {
  let data = await load(box.dataset.url);
  let plot = null;
  const make = () => {
    plot?.destroy();
    plot = new window.uPlot(options(box.clientWidth, box.dataset.unit), data, box);
    box.dataset.drawn = String(data[0].length);
  };
  make();
  let width = box.clientWidth;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    make(); // its height depends on the width too
  }).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
  let next = 0;
  document.addEventListener("live", (event) => {
    if (event.detail.n <= data[0].length || next) return;
    next = setTimeout(async () => {
      next = 0;
      data = await load(box.dataset.url).catch(() => data);
      plot.setData(data);
      box.dataset.drawn = String(data[0].length);
    }, 700); // of many results in a second one is drawn
  });
}

export function drawCharts() {
  for (const box of document.querySelectorAll("[data-chart]")) {
    draw(box).catch((error) => { box.textContent = error.message; });
  }
}
