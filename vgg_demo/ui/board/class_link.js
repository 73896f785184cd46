// The socket that every page holds open for the class (class_feed.py), and what a page does with what comes over it.
const CLASS_REFUSED = 1008;   // a close code of RFC 6455: the page is from before the server started
const CLASS_RETRY = 1000, CLASS_LONGEST_RETRY = 15000;   // milliseconds, while the server is away
const AFTER_STROKE = 700;   // milliseconds after a pen was lifted, in which its stroke reaches the server

// whether a finger, a pen, a mouse button or the keyboard's pen is down; a page is never moved then
const press = { isDown: false, lifted: 0 };
const pressed = () => { press.isDown = true; };
const lifted = () => { press.isDown = false; press.lifted = performance.now(); };
for (const kind of ["pointerdown", "mousedown"]) document.addEventListener(kind, pressed, true);
for (const kind of ["pointerup", "pointercancel", "mouseup"]) document.addEventListener(kind, lifted, true);
const whenPenIsUp = (action) => {
  const wait = press.lifted + AFTER_STROKE - performance.now();
  if (press.isDown || wait > 0) return setTimeout(() => whenPenIsUp(action), Math.max(wait, 200));
  action();
};

class ClassLink {
  constructor(onMessage) {
    this.onMessage = onMessage;
    this.tries = 0;
  }

  // data: what the script knows; the socket asks only once
  update(data, rerun) {
    this.data = data;
    this.rerun = rerun;
    this.asked = null;
    if (!this.socket && !this.timer) this.open();
    else if (this.last) this.compare(this.last);
  }

  open() {
    this.socket = new WebSocket(pathOf(this.data.feed).replace(/^http/, "ws"));
    this.socket.onopen = () => this.socket.send(JSON.stringify(this.data.question));
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = ({ code }) => {
      this.socket = null;
      if (this.isClosed || code === CLASS_REFUSED) return;   // until the script has run on the new server
      const wait = Math.min(CLASS_RETRY * 2 ** this.tries++, CLASS_LONGEST_RETRY);
      this.timer = setTimeout(() => { this.timer = null; this.open(); }, wait);
    };
  }

  receive(message) {
    this.tries = 0;
    this.last = message;
    this.onMessage?.(message, this.data);
    this.compare(message);
  }

  // the script runs again when what it has drawn is not what holds now
  compare({ rules, lead, place }) {
    const { state, follows } = this.data;
    const isSame = rules === state.rules && lead === state.lead && (!follows || place === state.place);
    const wanted = `${rules} ${lead} ${place}`;
    if (isSame || wanted === this.asked) return;
    this.asked = wanted;
    whenPenIsUp(() => { if (!this.isClosed) this.rerun(wanted); });
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }
}

const links = new WeakMap();
function connectClass({ data, setTriggerValue }, root, onMessage) {
  let link = links.get(root);
  if (!link) links.set(root, (link = new ClassLink(onMessage)));
  link.update(data, (wanted) => setTriggerValue("changed", wanted));
  return () => { links.delete(root); link.close(); };
}
