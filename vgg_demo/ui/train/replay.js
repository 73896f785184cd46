// What a network said to its pinned digits, played back without a run of the page's script: the bars of all digits after
// a step, and that step in the ten lines of one of them.
const PLAYING = 6000, PICTURE = 40;   // milliseconds: from the first step to the last, and from one picture to the next
const STILL = 1000;   // the same for a person who wants little motion
const LINES_HEIGHT = 260;

class Replay {
  constructor(root) {
    this.root = root;
    [this.range, this.button, this.said] = ["input", "button", "output"].map((name) => root.querySelector(name));
    this.range.addEventListener("input", () => { this.stop(); this.show(); });
    this.button.addEventListener("click", () => (this.timer ? this.stop() : this.play()));
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(root);
  }

  // data: from the script; a run's place is kept when only another digit was chosen
  take(data) {
    const isNew = data.key !== this.data?.key;
    this.data = data;
    placeTiles(this.root.querySelector(".pinned"), data.tiles);
    this.range.max = data.steps.length - 1;
    this.range.setAttribute("aria-label", data.words.place);
    if (isNew) {
      this.stop();
      this.range.value = this.range.max;
    }
    this.name();
    this.show();
    this.draw();
  }

  close() {
    this.isClosed = true;
    this.stop();
    this.resizes.disconnect();
    this.plot?.destroy();
  }

  play() {
    const last = this.data.steps.length - 1;
    const first = +this.range.value === last ? 0 : +this.range.value, began = performance.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.range.value = first;
    this.show();
    this.timer = setInterval(() => {
      this.range.value = Math.min(last, first + Math.round((performance.now() - began) * last / PLAYING));
      this.show();
      if (+this.range.value === last) this.stop();
    }, isStill ? STILL : PICTURE);
    this.name();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.name();
  }

  name() {
    const { words } = this.data ?? {};
    if (words) this.button.textContent = this.timer ? `❚❚ ${words.pause}` : `▶ ${words.play}`;
  }

  // the bars and the mark, after the step at which the slider stands
  show() {
    const place = +this.range.value;
    fillTiles(this.root.querySelector(".pinned"), this.data.rows[place]);
    this.said.textContent = this.data.words.after.replace("{step}", this.data.steps[place].toLocaleString("en"));
    this.range.setAttribute("aria-valuetext", this.said.textContent);
    this.mark();
  }

  mark() { this.plot?.setCursor({ left: this.plot.valToPos(this.data.steps[+this.range.value], "x"), top: 0 }); }

  async draw() {
    const uplot = await loadUplot(this.data.library), place = this.root.querySelector(".lines");
    place.setAttribute("aria-label", this.data.lines.words);
    if (this.isClosed || !uplot) return;
    this.plot?.destroy();
    const { x, lines } = this.data.lines, style = getComputedStyle(this.root), { step, percent } = this.data.words;
    const text = style.getPropertyValue("--st-text-color") || style.color, font = `12px ${style.getPropertyValue("--st-font") || "sans-serif"}`;
    const axis = { stroke: text, font, labelFont: font, labelSize: 18, ticks: { show: false }, grid: { stroke: "rgba(128, 128, 128, .2)", width: 1 } };
    const hundredths = (number) => percent.replace("{number}", number);
    this.plot = new uplot({
      width: this.width(),
      height: LINES_HEIGHT,
      scales: { x: { time: false }, y: { range: [0, 100] } },
      axes: [{ ...axis, label: step, size: 30, grid: { show: false } }, { ...axis, size: 48, values: (plot, ticks) => ticks.map(hundredths) }],
      series: [{ label: step }, ...lines.map(({ name, colour, width }) => ({ label: name, stroke: colour, width, points: { show: x.length < 3 }, value: (plot, value) => (value == null ? "" : hundredths(value.toFixed(1))) }))],
      legend: { markers: { width: 3, fill: null } },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    }, [x, ...lines.map(({ values }) => values)], place);
    this.plot.over.addEventListener("mouseleave", () => this.mark());
    this.mark();
  }

  width() { return Math.max(240, this.root.clientWidth || 600); }

  resize() {
    if (!this.plot || this.plot.width === this.width()) return;
    this.plot.setSize({ width: this.width(), height: LINES_HEIGHT });
    this.mark();
  }
}

const replays = new WeakMap();
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".replay");
  let replay = replays.get(root);
  if (!replay) replays.set(root, (replay = new Replay(root)));
  replay.take(data);
  return () => { replays.delete(root); replay.close(); };
}
