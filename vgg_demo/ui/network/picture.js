// The network as slabs, to scale: a slab is as high and as deep as its image has pixels a side, and as thick as it has
// channels. From left to right where there is room, from top to bottom on a phone. A slab is a button: mouse, touch, keys.
const SVG = "http://www.w3.org/2000/svg";
const NARROW = 640;   // pixels: below, the slabs stand one under the other
const GAP = 5, BLOCK_GAP = 14, LEAST = 4;
const DEPTH = { wide: .35, narrow: .15 };   // of a slab's height; on a phone none covers its neighbour
const ROW = 26;   // pixels: the least height of a row on a phone, so that a finger finds it
const HIGHEST = { wide: 150, narrow: 96 };
const MOST_A_CHANNEL = 2;   // pixels: a network of few channels is not blown up
const MOST_UNITS = 4096;   // of a linear layer, whose length is drawn by the square root
const SHORTEST = 16;   // pixels of a linear layer, so that a finger finds it
const THIN = 6;   // pixels: what is no convolution is not to scale in this direction

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

// how many pixels each station takes along the way and across it
function measure(stations, room, highest) {
  const isConv = ({ kind }) => kind === "conv";
  const sides = stations.filter(({ side }) => side).map(({ side }) => side);
  const largest = Math.max(...sides);
  const gaps = stations.reduce((sum, { opens }) => sum + (opens ? BLOCK_GAP : GAP), 0);
  const thin = THIN * stations.filter((station) => !isConv(station)).length;
  const channels = stations.filter(isConv).reduce((sum, station) => sum + station.channels, 0);
  const scale = Math.min(MOST_A_CHANNEL, Math.max(0, room - gaps - thin) / channels);
  return stations.map(({ kind, side, channels: made }) => ({
    thickness: kind === "conv" ? Math.max(LEAST, scale * made) : THIN,
    extent: Math.max(side ? LEAST : SHORTEST, highest * (side ? side / largest : Math.sqrt(made / MOST_UNITS))),
  }));
}

// the three faces of a box: front, top and side, as in a drawing by hand
function box(group, x, y, width, height, depth) {
  const face = (points, shade) => element("polygon", { points: points.map((p) => p.join(",")).join(" "), class: shade }, group);
  face([[x, y], [x + depth, y - depth], [x + width + depth, y - depth], [x + width, y]], "top");
  face([[x + width, y], [x + width + depth, y - depth], [x + width + depth, y + height - depth], [x + width, y + height]], "side");
  face([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], "front");
}

class Picture {
  constructor(root) {
    this.root = root;
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(root);
  }

  take(data, choose) {
    this.data = data;
    this.choose = choose;
    this.width = null;
    this.draw();
  }

  draw() {
    const width = this.root.clientWidth;
    if (!this.data || !width || width === this.width) return;
    this.width = width;
    const isNarrow = width < NARROW;
    const focused = this.root.querySelector("g:focus")?.dataset.name;
    const svg = element("svg", { role: "group", "aria-label": this.data.label });
    const size = isNarrow ? this.down(svg, width) : this.across(svg, width);
    for (const [key, value] of Object.entries({ width: size[0], height: size[1], viewBox: `0 0 ${size[0]} ${size[1]}` })) {
      svg.setAttribute(key, value);
    }
    this.root.replaceChildren(svg);
    if (focused) this.root.querySelector(`g[data-name="${focused}"]`)?.focus();
  }

  across(svg, width) {
    const { stations } = this.data, highest = HIGHEST.wide, depth = highest * DEPTH.wide;
    const sizes = measure(stations, width - depth - 8, highest);
    const middle = depth + highest / 2 + 4;
    let x = 4;
    stations.forEach((station, place) => {
      const { thickness, extent } = sizes[place], slant = station.side ? extent * DEPTH.wide : 4;
      const group = this.button(svg, station);
      box(group, x, middle - extent / 2, thickness, extent, slant);
      if (station.caption) this.text(svg, x, middle + highest / 2 + 18, station.caption);
      x += thickness + (stations[place + 1]?.opens ? BLOCK_GAP : GAP);
    });
    return [width, middle + highest / 2 + 28];
  }

  down(svg, width) {
    const { stations } = this.data, widest = HIGHEST.narrow;
    const sizes = measure(stations, 26 * stations.length, widest);
    let y = 4;
    stations.forEach((station, place) => {
      const { thickness, extent } = sizes[place], slant = station.side ? extent * DEPTH.narrow : 4;
      const height = Math.max(ROW, thickness + slant + GAP), group = this.button(svg, station);
      const middle = y + (slant + thickness) / 2 + 5;
      element("rect", { x: 0, y, width, height, class: "row" }, group);
      box(group, 4 + (widest - extent) / 2, y + slant, extent, thickness, slant);
      this.text(group, widest * (1 + DEPTH.narrow) + 16, middle, station.short);
      if (station.kind !== "image") this.text(group, width - 14, middle, "›");
      y += height + (stations[place + 1]?.opens ? BLOCK_GAP - GAP : 0);
    });
    return [width, y + 8];
  }

  button(svg, { name, kind, title, tone }) {
    if (kind === "image") return element("g", { role: "img", "aria-label": title, "data-kind": kind, class: "slab" }, svg);
    const isChosen = name === this.data.chosen;
    const group = element("g", { tabindex: 0, role: "button", "aria-pressed": isChosen, "aria-label": title,
                                 "data-name": name, "data-kind": kind, class: "slab" }, svg);
    if (tone !== null) group.style.setProperty("--tone", `${Math.round(100 * tone)}%`);
    group.toggleAttribute("data-measured", tone !== null);
    element("title", {}, group).textContent = title;
    const choose = () => this.choose(isChosen ? null : name);
    group.addEventListener("click", choose);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    });
    return group;
  }

  text(parent, x, y, words) { element("text", { x, y }, parent).textContent = words; }
}

const pictures = new WeakMap();
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".network");
  let picture = pictures.get(root);
  if (!picture) pictures.set(root, (picture = new Picture(root)));
  picture.take(data, (name) => setStateValue("layer", name));
  return () => { pictures.delete(root); picture.resizes.disconnect(); };
}
