// The ten bars of each pinned digit: the page's script sends them empty (pinned_tiles.py), the feed says how high they are.
function placeTiles(place, html) {
  if (place.sent === html) return;   // the bars stay as they are
  place.sent = html;
  place.innerHTML = html;
  place.hidden = !html;
}

function fillTiles(place, rows) {
  for (const { id, bars, answer, short, words } of rows) {
    const tile = place.querySelector(`[data-digit="${id}"]`);
    if (!tile) continue;
    const ten = tile.querySelector(".ten");
    bars.forEach((height, digit) => {
      const bar = ten.children[digit];
      bar.classList.toggle("answer", digit === answer);
      bar.firstElementChild.style.height = `${height}px`;
    });
    ten.setAttribute("aria-label", words);
    tile.querySelector("figcaption").textContent = short;
  }
}

