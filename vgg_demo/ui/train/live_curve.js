// A run's figures and its loss curve, received once a second and drawn without a run of the page's script, which would
// take a fifth of a core from the training. The script runs again only when more than the curve has changed.
const RETRY = 950, LONGEST_RETRY = 15000;   // milliseconds, while the server is away: twice as long each time
const TRIES_BEFORE_MESSAGE = 3;   // without an answer
const REFUSED = 1008;   // a close code of RFC 6455: the server takes no question from this page
const HEIGHT = 380, LEAST_LOSS = 1e-3;
const GONE = "gone";   // sent to the script instead of a key
const DASHES = { solid: [], dashed: [8, 5], dotted: [2, 3] };

class Curve {
  constructor(root) {
    this.root = root;
    this.feeds = {};   // by run: the last answer
    this.tries = 0;   // without an answer since the last one
    this.onVisibility = () => (document.hidden ? this.pause() : this.follow());
    document.addEventListener("visibilitychange", this.onVisibility);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(root);
  }

  // data: from the script, which runs to show and how; rerun: runs the script again
  update(data, rerun) {
    const isNew = JSON.stringify(data) !== JSON.stringify(this.data);
    if (data.identity !== this.data?.identity) this.clear();   // it may have the name of the one before
    this.data = data;
    this.rerun = rerun;
    const { progress, figures, curve } = data.words;
    this.root.querySelector(".bar").setAttribute("aria-label", progress);
    this.root.querySelector(".figures").title = figures;
    if (!this.feeds[data.run]) this.root.querySelector(".curve").setAttribute("aria-label", curve);
    placeTiles(this.root.querySelector(".pinned"), data.tiles);
    if (this.feeds[data.run]) fillTiles(this.root.querySelector(".pinned"), this.feeds[data.run].pinned);
    this.shape = null;   // the plot is made again: the theme may have changed
    if (!isNew) return;
    this.feeds = Object.fromEntries(Object.entries(this.feeds).filter(([name]) => name === data.run));
    this.sentKey = null;
    this.follow();
  }

  // show nothing of the run before
  clear() {
    this.feeds = {};
    this.plot?.destroy();
    this.plot = null;
    this.root.querySelector(".figures").replaceChildren();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.resizes.disconnect();
    this.socket?.close();
    this.plot?.destroy();
  }

  // the server answers with each tick, until the next question
  follow() {
    const { run, others } = this.data;
    this.send([run, ...others.filter((name) => !this.feeds[name]?.is_over)]);
  }

  // while the tab is hidden
  pause() { if (this.socket?.readyState === WebSocket.OPEN) this.send([]); }

  // one socket serves all questions; answers to earlier ones are ignored
  send(runs) {
    clearTimeout(this.timer);
    this.question = { turn: (this.question?.turn ?? 0) + 1, runs, ...this.data.query };
    const ask = () => this.socket.send(JSON.stringify(this.question));
    if (this.socket?.readyState === WebSocket.OPEN) return ask();
    if (this.socket?.readyState === WebSocket.CONNECTING) return;
    this.socket = new WebSocket(pathOf(this.data.feed).replace(/^http/, "ws"));
    this.socket.onopen = ask;
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = ({ code }) => this.retry(code);   // the server is away: it may come back
  }

  async receive({ turn, runs }) {
    const uplot = await loadUplot(this.data.library);
    if (this.isClosed || turn !== this.question.turn || !runs.length) return;
    if (!runs[0] && this.sentKey !== GONE) this.rerun(this.sentKey = GONE);   // the page says what has become of it
    // a run that cannot be read any more stays as it was
    this.question.runs.forEach((name, index) => {
      if (runs[index]) this.feeds[name] = runs[index];
    });
    if (!uplot) return this.retry();
    this.tries = 0;
    this.root.querySelector(".silence").hidden = true;
    const { run, key } = this.data, feed = this.feeds[run];
    if (!feed) return;
    this.show(feed);
    this.draw(uplot, feed);
    if (feed.key !== key && feed.key !== this.sentKey) this.rerun(this.sentKey = feed.key);
    if (document.hidden) return this.pause();   // opened in a tab in the background
    const laidOver = this.question.runs.slice(1);
    if (laidOver.some((name) => this.feeds[name]?.is_over)) this.follow();   // without those that do not change any more
  }

  retry(code) {
    clearTimeout(this.timer);
    if (this.isClosed || document.hidden) return;
    const wait = Math.min(RETRY * 2 ** this.tries++, LONGEST_RETRY);
    if (code === REFUSED || this.tries > TRIES_BEFORE_MESSAGE) this.explain(code);
    this.timer = setTimeout(() => this.follow(), wait);
  }

  // why there is no curve
  explain(code) {
    const { words, feed } = this.data, place = this.root.querySelector(".silence");
    const text = code === REFUSED ? words.refused : words.silent.replace("{address}", pathOf(feed));
    if (place.textContent !== text) place.textContent = text;
    place.hidden = false;
  }

  show(feed) {
    const bar = this.root.querySelector(".bar");
    bar.setAttribute("aria-valuenow", Math.round(100 * feed.progress));
    bar.firstElementChild.style.transform = `scaleX(${feed.progress})`;
    const figures = this.root.querySelector(".figures");
    if (figures.children.length !== feed.figures.length) {
      figures.replaceChildren(...feed.figures.map(() => {
        const figure = document.createElement("div");
        figure.append(document.createElement("span"), document.createElement("b"));
        return figure;
      }));
    }
    const longest = Math.max(...feed.figures.map(([, value]) => value.length));   // characters: all fit their places
    figures.style.setProperty("--longest", longest);
    feed.figures.forEach(([label, value], index) => {
      const [name, number] = figures.children[index].children;
      if (name.textContent !== label) name.textContent = label;
      if (number.textContent !== value) number.textContent = value;
    });
    this.root.querySelector(".curve").setAttribute("aria-label", feed.words);
    fillTiles(this.root.querySelector(".pinned"), feed.pinned);
  }

  // the runs laid over it that can be read
  others() { return this.data.others.map((name) => this.feeds[name]).filter(Boolean); }

  // the lines: each is [x, y]; those of one run share the x, so that there is nothing to join
  series(feed) {
    const { data } = this, { colours, words } = data;
    const lift = (y) => (data.is_log ? y.map((value) => value == null ? value : Math.max(value, LEAST_LOSS)) : y);
    const line = (name, colour, width, more) => ({ label: name, stroke: colour, width, spanGaps: true, points: { show: false }, ...more });
    const list = [
      [feed.steps, lift(feed.losses), line(words.batch, colours.batch, 1, { alpha: .6, points: { show: feed.steps.length < 3 } })],
      [feed.steps, lift(feed.smoothed), line(data.others.length ? data.run : words.smoothed, colours.smoothed, 3)],
    ];
    data.others.forEach((name, index) => {
      if (!this.feeds[name]) return;
      const { steps, smoothed } = this.feeds[name], [colour, dash] = data.overlays[index % data.overlays.length];
      list.push([steps, lift(smoothed), line(name, colour, 2.5, { dash: DASHES[dash] })]);
    });
    if (feed.accuracy_steps.length) {
      const points = { show: true, size: 9, fill: colours.accuracy };
      const at = new Map(feed.accuracy_steps.map((step, index) => [step, feed.accuracies[index]]));
      list.push([feed.steps, feed.steps.map((step) => at.get(step)), line(words.accuracy, colours.accuracy, 2, { scale: "accuracy", dash: DASHES.dashed, points })]);
    }
    if (feed.rates) list.push([feed.steps, feed.rates, line(words.rate, colours.rate, 1.5, { scale: "rate", dash: DASHES.dotted })]);
    return list;
  }

  draw(uplot, feed) {
    this.feed = feed;
    const list = this.series(feed);
    const columns = uplot.join(list.map(([x, y]) => [x, y]));
    const shape = `${list.length} ${feed.steps.length < 3}`;
    if (this.plot && shape === this.shape) {
      this.plot.setData(columns);
      return;
    }
    this.shape = shape;
    const style = getComputedStyle(this.root);
    this.text = style.getPropertyValue("--st-text-color") || style.color;
    this.font = style.getPropertyValue("--st-font") || "sans-serif";
    this.plot?.destroy();
    const place = this.root.querySelector(".curve");
    this.plot = new uplot(this.options(uplot, list), columns, place);
  }

  options(uplot, list) {
    const { words, is_log, colours } = this.data;
    const grid = { stroke: "rgba(128, 128, 128, .2)", width: 1 }, font = `12px ${this.font}`;
    const axis = (more) => ({ stroke: this.text, font, labelFont: font, labelSize: 18, ticks: { show: false }, grid, ...more });
    const right = (scale, label) => axis({ scale, label, side: 1, grid: { show: false }, size: 44 });
    const scales = new Set(list.map(([, , options]) => options.scale));
    const digits = (scale) => (scale === "rate" ? (v) => v.toPrecision(3) : scale === "accuracy" ? (v) => words.percent.replace("{number}", v.toFixed(2)) : (v) => v.toFixed(4));
    return {
      width: this.width(), height: HEIGHT, padding: [16, scales.size > 1 ? 12 : 28, 0, 0],   // the last step's number needs room
      scales: {
        x: { time: false, range: () => [0, Math.max(this.feed.total, ...this.others().map((feed) => feed.last_step))] },
        y: is_log ? { distr: 3, range: (plot, low, high) => [LEAST_LOSS, Math.max(high, 10)] }
                  : { range: () => [0, Math.max(this.feed.ceiling, ...this.others().map((feed) => feed.ceiling))] },
        accuracy: { range: [0, 100] },
        rate: { range: (plot, low, high) => [0, 1.1 * high || 1] },
      },
      axes: [
        axis({ label: words.step, size: 30, grid: { show: false } }),
        axis({ label: words.loss, size: 44 }),
        ...(scales.has("accuracy") ? [right("accuracy", words.accuracy_axis)] : []),
        ...(scales.has("rate") ? [{ ...right("rate", words.rate), size: 64, values: (plot, ticks) => ticks.map((tick) => `${+tick.toPrecision(2)}`) }] : []),
      ],
      series: [
        { label: words.step, value: (plot, value) => value ?? "" },
        ...list.map(([, , options]) => ({ ...options, value: (plot, value) => (value == null ? "" : digits(options.scale)(value)) })),
      ],
      legend: { markers: { width: 3, fill: null, dash: (plot, index) => ({ 8: "dashed", 2: "dotted" })[plot.series[index].dash?.[0]] ?? "solid" } },
      cursor: { drag: { x: false, y: false }, points: { size: 7 }, dataIdx: nearest },
      hooks: { drawAxes: [(plot) => this.marks(plot, colours)] },
    };
  }

  // lines across at what knows nothing, lines down where an epoch ended or the learning rate was changed by hand
  marks(plot, colours) {
    const { ctx, bbox } = plot, { words } = this.data, ratio = devicePixelRatio;
    const line = (x0, y0, x1, y1, colour, dash) => {
      ctx.beginPath();
      ctx.strokeStyle = colour;
      ctx.setLineDash(dash.map((length) => length * ratio));
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
      ctx.stroke();
    };
    const label = (text, x, y, align, colour) => {
      ctx.fillStyle = colour;
      ctx.textAlign = align;
      ctx.fillText(text, x, y);
    };
    ctx.save();
    ctx.lineWidth = ratio;
    ctx.font = `${11 * ratio}px ${this.font}`;
    ctx.textBaseline = "alphabetic";
    const right = bbox.left + bbox.width, bottom = bbox.top + bbox.height;
    const isNarrow = ctx.measureText(words.frequencies).width > .6 * bbox.width;   // it would cover the curve
    const frequencies = isNarrow ? words.frequencies_short : words.frequencies;
    for (const [value, words_, drop] of [[this.data.levels.nothing, words.nothing, -4], [this.data.levels.frequencies, frequencies, 13]]) {
      const y = plot.valToPos(value, "y", true);
      line(bbox.left, y, right, y, colours.mark, [5, 4]);
      label(words_, right - 4 * ratio, y + drop * ratio, "right", this.text);
    }
    for (const [step, name] of this.feed.epoch_marks) {
      const x = plot.valToPos(step, "x", true);
      line(x, bbox.top, x, bottom, colours.mark, [2, 3]);
      label(name, x, bbox.top - 4 * ratio, "center", this.text);
    }
    for (const [step, rate] of this.feed.rate_changes) {
      const x = plot.valToPos(step, "x", true);
      line(x, bbox.top, x, bottom, colours.rate, []);
      label(`lr ${rate}`, x, bbox.top - 4 * ratio, "center", colours.rate);
    }
    ctx.restore();
  }

  width() { return Math.max(240, this.root.clientWidth || 600); }

  resize() {
    if (this.plot && this.plot.width !== this.width()) this.plot.setSize({ width: this.width(), height: HEIGHT });
  }
}

// under the mouse: the series' own nearest point, though the curves have points at different steps
function nearest(plot, series, index) {
  const values = plot.data[series];
  for (let distance = 0; distance < values.length; distance++) {
    if (values[index - distance] != null) return index - distance;
    if (values[index + distance] != null) return index + distance;
  }
  return index;
}

const curves = new WeakMap();
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".live");
  let curve = curves.get(root);
  if (!curve) curves.set(root, (curve = new Curve(root)));
  curve.update(data, (key) => setTriggerValue("changed", key));
  return () => { curves.delete(root); curve.close(); };
}
