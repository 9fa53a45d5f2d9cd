// What the pages can do beyond reading: charts drawn from the tables behind them, copying, the what-if
// without loading anew, and label commands with options. Without it every page still says the same.
"use strict";

document.documentElement.classList.add("script");

function announce(button, text) {
  const before = button.textContent;
  button.textContent = text;
  setTimeout(() => { button.textContent = before; }, 1500);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers give the clipboard to https and loopback alone; elsewhere a selection does it.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  announce(button, "Copied");
}

function tableText(table) {
  return Array.from(table.rows, (row) => Array.from(row.cells, (cell) => cell.textContent.trim()).join("\t")).join("\n");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy !== undefined) copy(button, button.dataset.copy);
  if (button.dataset.copyTable !== undefined) copy(button, tableText(button.closest("details").querySelector("table")));
  if (button.dataset.show) show(button);
});

// --- charts -------------------------------------------------------------------------------------------

function colour(name) {
  return `var(--${name})`;
}

function cellValue(cell) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  return text === "" ? null : Number(text);
}

function readTable(figure) {
  const shares = figure.dataset.shares === "1";
  const table = figure.querySelector("table");
  const heads = Array.from(table.tHead.rows[0].cells).slice(1);
  const series = heads.map((head, index) => ({ id: String(index), name: head.textContent, colour: colour(head.dataset.colour) }));
  const days = Array.from(table.tBodies[0].rows, (row) => ({
    day: new Date(`${row.cells[0].textContent}T00:00:00Z`),
    values: Array.from(row.cells).slice(1).map((cell) => cellValue(cell)),
  }));
  return { shares, series, days };
}

function readEvents(figure) {
  const days = new Map();
  figure.querySelectorAll(".events li:not(.more)").forEach((item, index) => {
    days.set(item.dataset.day, [...(days.get(item.dataset.day) ?? []), index + 1]);
  });
  return Array.from(days, ([day, found]) => ({ day: new Date(`${day}T00:00:00Z`), number: found.join(",") }));
}

// Numbers of days that lie close together stand on two rows.
function inRows(events, dayWidth) {
  const rows = [[], []];
  let row = 0;
  events.forEach((event, index) => {
    const before = events[index - 1];
    const apart = before ? ((event.day - before.day) / 86400000) * dayWidth : Infinity;
    row = before && apart < 7 * (event.number.length + before.number.length) + 4 ? 1 - row : 0;
    rows[row].push(event);
  });
  return rows;
}

const numbers = new Intl.NumberFormat("en-GB");

function describe(row, data) {
  const written = (value) => (data.shares ? `${(value * 100).toFixed(1)} %` : numbers.format(value));
  const lines = data.series
    .map((each, index) => [each.name, row.values[index]])
    .filter(([, value]) => value !== null && (data.shares || value > 0))
    .map(([name, value]) => `${name}: ${written(value)}`);
  return [row.day.toISOString().slice(0, 10), ...lines].join("\n");
}

function marks(data, events, width) {
  const long = data.days.flatMap((row) => data.series.map((each, index) => ({ day: row.day, series: each.id, value: row.values[index] })));
  const scale = { domain: data.series.map((each) => each.id), range: data.series.map((each) => each.colour) };
  const middle = (row) => new Date(row.day.getTime() + 43200000);
  const drawn = data.shares
    // Lines often lie on each other: the first is broad and pale, the later ones thin on top of it.
    ? data.series.map((each, index) => Plot.lineY(long.filter((row) => row.series === each.id), { x: middle, y: "value", stroke: "series", strokeWidth: index ? 2 : 7, strokeOpacity: index ? 1 : 0.4, strokeDasharray: index === 2 ? "5,3" : null }))
    : Plot.rectY(long.filter((row) => row.value), Plot.stackY({ order: scale.domain, x1: "day", x2: (row) => new Date(row.day.getTime() + 86400000), y: "value", fill: "series", z: "series", inset: 0, insetRight: width / data.days.length > 4 ? 1 : 0 }));
  const total = (row) => (data.shares ? Math.max(...row.values.map((value) => value ?? 0)) : row.values.reduce((sum, value) => sum + value, 0));
  const pointed = { x: middle, y: total, title: (row) => describe(row, data) };
  return {
    scale,
    marks: [
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
      drawn,
      Plot.ruleY([0], { stroke: "var(--dim)" }),
      Plot.ruleX(events, { x: middle, stroke: "var(--event)", strokeDasharray: "3,3" }),
      ...inRows(events, width / data.days.length).map((row, index) => Plot.text(row, { x: middle, text: "number", frameAnchor: "top", dy: -14 - 12 * index, className: "event-mark", fill: "var(--event)" })),
      Plot.ruleX(data.days, Plot.pointerX({ x: middle, stroke: "var(--dim)" })),
      Plot.tip(data.days.filter((row) => row.values.some((value) => value !== null)), Plot.pointerX({ ...pointed, fill: "var(--bg)", stroke: "var(--line)", lineHeight: 1.35 })),
    ],
  };
}

function draw(figure) {
  const place = figure.querySelector(".plot");
  const width = place.clientWidth;
  if (!place || !width) return;
  const data = readTable(figure);
  const made = marks(data, readEvents(figure), width);
  const last = data.days[data.days.length - 1].day;
  const plot = Plot.plot({
    width, height: 300, marginLeft: 48, marginRight: 12, marginTop: 36, marginBottom: 38, style: { fontSize: "12px" },
    x: { type: "utc", domain: [data.days[0].day, new Date(last.getTime() + 86400000)], label: null, ticks: Math.max(3, Math.floor(width / 110)) },
    y: data.shares ? { domain: [0, 1], tickFormat: (value) => `${Math.round(value * 100)} %`, label: null, ticks: 5 } : { label: null, tickFormat: (value) => (value ? d3.format("~s")(value) : "0"), ticks: 5 },
    color: made.scale, marks: made.marks,
  });
  place.replaceChildren(plot);
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure.chart")) {
    if (figure.querySelector(".plot") && !figure.hidden) draw(figure);
  }
}

function show(button) {
  for (const other of button.parentElement.querySelectorAll("button")) {
    const chosen = other === button;
    other.setAttribute("aria-pressed", String(chosen));
    document.getElementById(other.dataset.show).hidden = !chosen;
  }
  drawAll();
}

function startCharts() {
  if (!document.querySelector("figure.chart")) return;
  const first = document.querySelector('.switch button[aria-pressed="true"]');
  if (first) show(first); else drawAll();
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth !== width) { width = window.innerWidth; drawAll(); }
  });
}

// --- what-if ------------------------------------------------------------------------------------------

let asked = 0;

async function answerWhatIf(form) {
  const mine = ++asked;
  const result = document.getElementById("what-if-result");
  const url = new URL(form.action);
  url.search = new URLSearchParams(new FormData(form)).toString();
  result.classList.add("busy");
  const response = await fetch(url);
  const text = await response.text();
  if (mine !== asked) return; // A later choice is under way; its answer counts.
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("what-if-result") ?? page.querySelector("main");
  result.replaceChildren(...fresh.childNodes);
  result.classList.remove("busy");
}

function startWhatIf() {
  const form = document.querySelector("form.what-if");
  if (!form) return;
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => answerWhatIf(form));
  form.addEventListener("submit", (event) => { event.preventDefault(); answerWhatIf(form); });
}

// --- label commands -----------------------------------------------------------------------------------

function startLabels() {
  const form = document.querySelector("form.options");
  if (!form) return;
  form.addEventListener("change", () => {
    const options = (form.critical.checked ? " --critical" : "") + (form.every.value ? ` --every ${form.every.value}` : "");
    for (const code of document.querySelectorAll("code[data-command]")) {
      code.textContent = code.dataset.command + options;
      code.parentElement.querySelector("button").dataset.copy = code.textContent;
    }
  });
}

// On a phone what is in the way fits one screen, and how to mend each is one tap away.
function foldFixes() {
  if (!window.matchMedia("(max-width: 46rem)").matches) return;
  const fixes = document.querySelectorAll("details.how");
  for (const fix of fixes) fix.open = false;
  window.addEventListener("beforeprint", () => { for (const fix of fixes) fix.open = true; });
}

foldFixes();
startCharts();
startWhatIf();
startLabels();
