// What moves on the board: who is here, what trains and waits, and the curves of all runs of the class, one line each.
const BOARD_DASHES = { solid: [], dashed: [8, 5], dotted: [2, 3] };
const LEAST_TOP = 2.5, HIGHEST_TOP = 6;   // of the loss axis: a little above ln 10, which knows nothing

class Board {
  constructor(root) {
    this.root = root;
    this.resizes = new ResizeObserver(() => this.plot && this.plot.setSize(this.size()));
    this.resizes.observe(root);
  }

  async receive(message, data) {
    this.showFigures(message, data.words);
    this.showQueue(message, data.words);
    const shown = JSON.stringify(message.runs) + JSON.stringify(data.style);
    if (shown === this.shown) return;
    const uplot = await loadUplot(data.library);
    if (!uplot || this.isClosed) return;
    this.shown = shown;
    this.draw(uplot, message.runs, data);
  }

  showFigures({ browsers, training, waiting, more_waiting, finished }, words) {
    const figures = [
      [words.here, browsers], [words.training, training.length],
      [words.waiting, waiting.length + more_waiting], [words.finished, finished],
    ];
    this.root.querySelector(".figures").replaceChildren(...figures.map(([label, value]) => {
      const figure = document.createElement("div");
      figure.append(element("b", value), element("span", label));
      return figure;
    }));
  }

  showQueue({ paused, training, waiting, more_waiting }, words) {
    const rows = training.map(({ name, done, paused: isPaused }) => {
      const row = element("li", "");
      const bar = element("i", "");
      bar.style.setProperty("--done", done);
      row.append(element("span", isPaused ? `${name} · ${words.run_paused}` : name), bar);
      return row;
    });
    this.root.querySelector(".training").replaceChildren(...rows);
    const names = waiting.join(" · ") + (more_waiting ? ` · + ${more_waiting}` : "");
    const text = paused ? [words.paused, names].filter(Boolean).join(" ") : names && `${words.next} ${names}`;
    this.root.querySelector(".waiting").textContent = text;
  }

  draw(uplot, runs, data) {
    const { words, looks } = data, style = getComputedStyle(this.root);
    const text = style.getPropertyValue("--st-text-color") || style.color;
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const font = `${Math.round(.8 * size)}px ${style.getPropertyValue("--st-font") || "sans-serif"}`;
    const look = (preset) => looks[preset] ?? looks[""];
    this.plot?.destroy();
    this.plot = null;
    const empty = this.root.querySelector(".empty");
    empty.textContent = words.empty;
    empty.hidden = runs.length > 0;
    this.showLegend(runs, look);
    const curves = this.root.querySelector(".curves");   // a picture once it has a name
    curves.setAttribute("aria-label", words.curves.replace("{count}", runs.length));
    curves.setAttribute("role", "img");
    if (!runs.length) return;
    const line = ({ name, preset }) => ({
      label: name, stroke: look(preset)[0], dash: BOARD_DASHES[look(preset)[1]], width: runs.length > 12 ? 1.5 : 2.5,
      alpha: .8, spanGaps: true, points: { show: false },
    });
    const top = Math.max(LEAST_TOP, Math.min(HIGHEST_TOP, Math.max(...runs.map(({ losses }) => Math.max(...losses)))));
    const axis = (label, more) => ({
      label, stroke: text, font, labelFont: font, labelSize: 1.5 * size, ticks: { show: false },
      grid: { stroke: "rgba(128, 128, 128, .2)", width: 1 }, ...more,
    });
    this.plot = new uplot({
      ...this.size(), padding: [size / 2, size, 0, 0], legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false }, y: { range: [0, top] } },
      axes: [axis(words.step, { size: 1.8 * size, grid: { show: false } }), axis(words.loss, { size: 2.6 * size })],
      series: [{}, ...runs.map(line)],
    }, uplot.join(runs.map(({ steps, losses }) => [steps, losses])), this.root.querySelector(".curves"));
  }

  // one entry a preset: all its runs look the same
  showLegend(runs, look) {
    const counts = new Map();
    for (const { preset } of runs) counts.set(preset, (counts.get(preset) ?? 0) + 1);
    this.root.querySelector(".legend").replaceChildren(...[...counts].map(([preset, count]) => {
      const [colour, dash] = look(preset), entry = element("li", ""), mark = element("i", "");
      mark.style.borderTop = `4px ${dash} ${colour}`;
      entry.append(mark, element("span", `${preset} × ${count}`));
      return entry;
    }));
  }

  size() {
    const place = this.root.querySelector(".curves");
    return { width: Math.max(240, place.clientWidth), height: Math.max(220, Math.round(innerHeight * .44)) };
  }

  close() {
    this.isClosed = true;
    this.resizes.disconnect();
    this.plot?.destroy();
  }
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

const boards = new WeakMap();
export default function (component) {
  const root = component.parentElement.querySelector(".board");
  let board = boards.get(root);
  if (!board) boards.set(root, (board = new Board(root)));
  const close = connectClass(component, root, (message, data) => board.receive(message, data));
  return () => { boards.delete(root); board.close(); close(); };
}
