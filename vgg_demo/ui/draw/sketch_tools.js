// Big buttons for the canvas (undo, redo, clear) and drawing with the keyboard. Everything happens in the browser:
// the buttons press the canvas's own ones, which show only under a mouse, and the keys do what a mouse would.
// The canvas's elements are private to it: what is used of them is all in this file, was written for
// streamlit-drawable-canvas 0.13.0, and is checked by tests/e2e/test_draw.py, which fails when they change.
const STEP = 10, SMALL_STEP = 2;   // canvas pixels a key press
const HISTORY = 100;   // strokes that the canvas can take back

const STYLE = `
  .dc-toolbar { display: none !important; }
  .dc-scroll { overflow: visible !important; }
  .dc-container { width: min(var(--pad-width), var(--pad-room)) !important; height: auto !important;
                  aspect-ratio: var(--pad-ratio); }
  @media (max-width: 640px) { .dc-container { width: min(var(--pad-room), 60vh * var(--pad-ratio)) !important; } }
  .dc-container canvas, .dc-container .canvas-container { width: 100% !important; height: 100% !important; }
  canvas.upper-canvas { touch-action: none !important; }
  canvas.upper-canvas:focus-visible { outline: 3px solid #F08A3C; outline-offset: 2px; }
  .pen { position: absolute; z-index: 30; width: 16px; height: 16px; margin: -8px 0 0 -8px; border-radius: 50%;
         border: 3px solid #F08A3C; box-sizing: border-box; pointer-events: none; display: none; }
  .here { position: absolute; inset: 0; z-index: 20; display: grid; place-items: center; pointer-events: none;
          color: #fff; font: 1.25rem sans-serif; border: 4px solid var(--st-primary-color, #3FA0DC); }
  .here[hidden] { display: none; }
  .pen.down { background: #F08A3C; }
  canvas.upper-canvas:focus-visible ~ .pen { display: block; }`;

const findCanvas = () => {
  for (const sketch of document.querySelectorAll(".st-key-sketch")) {
    for (const element of sketch.querySelectorAll("*")) {
      const upper = element.shadowRoot?.querySelector("canvas.upper-canvas");
      if (upper) return { sketch, root: element.shadowRoot, upper };
    }
  }
  return null;
};

export default function (component) {
  const { parentElement, data } = component;
  const button = (name) => parentElement.querySelector(`[data-tool=${name}]`);
  const hint = parentElement.querySelector(".hint");
  let root = null, upper = null, pen = null, here = null, cleanUp = () => {};
  let x = 0, y = 0, isDown = false;
  let cleared = 0;   // strokes that the last clear took
  let isBusy = false, follow = () => {};

  const own = (label) => root?.querySelector(`button[aria-label="${label}"]`);
  const can = (label) => own(label)?.disabled === false;
  const pressAll = async (label, most) => {   // one at a time: the canvas loads what it goes back to
    let pressed = 0;
    for (; pressed < most && can(label); pressed++) {
      own(label).click();
      await new Promise((done) => setTimeout(done));
    }
    return pressed;
  };
  const alone = (action) => async () => {   // what takes a while is done one at a time
    if (isBusy) return;
    isBusy = true;
    await action();
    isBusy = false;
    follow();
  };
  // clear takes all strokes back, so that undo can bring them again; the canvas's own reset would forget them
  const clear = alone(async () => {
    const strokes = await pressAll("Undo", HISTORY);
    if (strokes) cleared = strokes;
    if (strokes === HISTORY) { own("Reset canvas & history").click(); cleared = 0; }   // older strokes are left
  });
  const undo = alone(async () => {
    await (cleared ? pressAll("Redo", cleared) : pressAll("Undo", 1));
    cleared = 0;
  });
  const redo = () => { if (!isBusy && !cleared) own("Redo")?.click(); };
  for (const [name, press] of Object.entries({ undo, redo, clear })) {
    button(name).onclick = press;
    button(name).querySelector("span").textContent = data[name];
  }

  const send = (kind, clientX, clientY) => {   // composed: fabric follows a stroke on the whole document
    const more = { button: 0, buttons: 1, bubbles: true, composed: true, cancelable: true };
    upper.dispatchEvent(new MouseEvent(kind, { clientX, clientY, ...more }));
  };
  // A slow browser merges all moves within a frame into one, and the corners of a fast stroke are lost. The merged ones
  // are sent before it. Browsers give them to secure pages only: https, or this computer itself.
  const onPointerMove = (event) => {
    if (!event.isPrimary || !event.buttons) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.slice(0, -1)) send("mousemove", move.clientX, move.clientY);
  };
  const onPointerDown = (event) => {
    upper.setPointerCapture(event.pointerId);   // moves beside the canvas, too
    here.hidden = true;
  };
  const sendPen = (kind) => {
    const box = upper.getBoundingClientRect();
    send(kind, box.left + x * box.width / upper.width, box.top + y * box.height / upper.height);
  };
  const say = () => {
    pen.classList.toggle("down", isDown);
    pen.style.left = `${100 * x / upper.width}%`;
    pen.style.top = `${100 * y / upper.height}%`;
    hint.textContent = isDown ? data.down : data.up;
  };
  const setDown = (down) => {
    if (down === isDown) return;
    isDown = down;
    if (down) here.hidden = true;
    sendPen(down ? "mousedown" : "mouseup");
    say();
  };
  const onKey = (event) => {
    const step = event.shiftKey ? SMALL_STEP : STEP;
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    const key = event.key.toLowerCase();
    const isCommand = event.ctrlKey || event.metaKey;
    if (dx || dy) {
      x = Math.min(Math.max(x + dx * step, 0), upper.width);
      y = Math.min(Math.max(y + dy * step, 0), upper.height);
      if (isDown) sendPen("mousemove");
      say();
    } else if (key === " ") { if (!event.repeat) setDown(!isDown); }
    else if (isCommand && key === "z") { if (event.shiftKey) redo(); else undo(); }
    else if (isCommand && key === "y") redo();
    else if (key === "delete" || key === "backspace") clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onFocus = () => { hint.hidden = !upper.matches(":focus-visible"); say(); };
  const onBlur = () => { setDown(false); hint.hidden = true; };

  const attach = () => {
    if (upper?.isConnected) return;
    const found = findCanvas();
    if (!found) return;
    cleanUp();
    ({ root, upper } = found);
    const host = root.querySelector(".dc-root");
    const style = document.createElement("style");
    style.textContent = STYLE;
    root.appendChild(style);
    pen = document.createElement("div");
    pen.className = "pen";
    here = document.createElement("div");
    here.className = "here";
    here.setAttribute("aria-hidden", "true");   // the canvas's own label says more
    here.textContent = data.here;
    upper.parentElement.append(here, pen);
    x = upper.width / 2, y = upper.height / 4;
    upper.tabIndex = 0;
    upper.setAttribute("role", "application");
    upper.setAttribute("aria-label", data.label);
    const events = { keydown: onKey, focus: onFocus, blur: onBlur,
                     pointerdown: onPointerDown, pointermove: onPointerMove };
    for (const [name, listener] of Object.entries(events)) upper.addEventListener(name, listener);
    cleared = 0;
    follow = () => {   // the canvas's own buttons know whether there is anything to undo
      if (isBusy) return;
      if (can("Undo") || !can("Redo")) cleared = 0;   // something new was drawn
      button("undo").disabled = !can("Undo") && !cleared;
      button("redo").disabled = !can("Redo") || cleared > 0;
      here.hidden = can("Undo");
      host.style.setProperty("--pad-width", `${upper.width}px`);
      host.style.setProperty("--pad-ratio", `${upper.width} / ${upper.height}`);
      if (found.sketch.clientWidth) host.style.setProperty("--pad-room", `${found.sketch.clientWidth}px`);
    };
    const observer = new MutationObserver(follow);
    observer.observe(root.querySelector(".dc-toolbar"), { subtree: true, attributes: true, attributeFilter: ["disabled"] });
    observer.observe(upper, { attributes: true, attributeFilter: ["width", "height"] });
    const resizes = new ResizeObserver(follow);   // a canvas wider than the screen is shown smaller
    resizes.observe(found.sketch);
    follow();
    cleanUp = () => {
      observer.disconnect();
      resizes.disconnect();
      for (const [name, listener] of Object.entries(events)) upper.removeEventListener(name, listener);
      style.remove();
      pen.remove();
      here.remove();
    };
  };
  let timer = null;
  const sight = new ResizeObserver(([tools]) => {   // it has no width while another tab is shown
    clearInterval(timer);
    if (tools.contentRect.width) timer = setInterval(attach, 250);   // the canvas may come later, or again
    attach();
  });
  sight.observe(parentElement.querySelector(".tools"));
  return () => { sight.disconnect(); clearInterval(timer); cleanUp(); };
}
