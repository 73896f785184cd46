// The drawings of one digit, beside each other: pieces of one picture. Each can be a button that leaves it out.
const COLUMNS = 50;   // of the picture

export default function ({ data, parentElement, setTriggerValue }) {
  const row = parentElement.querySelector(".row");
  row.setAttribute("aria-label", data.label);
  const known = new Map([...row.children].map((tile) => [tile.dataset.id, tile]));   // kept, so that the focus stays
  data.tiles.forEach(({ id, name, out }, place) => {
    let tile = known.get(id);
    if (!tile) {
      tile = document.createElement(data.may_change ? "button" : "span");
      tile.dataset.id = id;
      if (data.may_change) tile.type = "button";
      else tile.setAttribute("role", "img");
    }
    known.delete(id);
    tile.title = name;
    tile.setAttribute("aria-label", name);
    if (data.may_change) tile.setAttribute("aria-pressed", out);
    tile.classList.toggle("out", out);
    tile.style.backgroundImage = `url(${data.picture})`;
    tile.style.backgroundPosition = `calc(-${place % COLUMNS} * var(--side)) calc(-${Math.floor(place / COLUMNS)} * var(--side))`;
    tile.onclick = data.may_change ? () => setTriggerValue("toggled", id) : null;
    if (row.children[place] !== tile) row.insertBefore(tile, row.children[place] ?? null);
  });
  known.forEach((tile) => tile.remove());
}
