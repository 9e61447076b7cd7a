// One stream for all tabs of this browser. It is open while a visible tab wants it.
const tabs = new Map(); // port -> visible
let source = null, state = {}, url = null, condition = "wait";

const be = (kind, changes, whole = false) => {
  condition = kind;
  for (const [port, visible] of tabs) if (visible) port.postMessage({ condition, state: changes, whole });
};

const open = () => {
  source = new EventSource(url);
  const on = (kind, then) => source.addEventListener(kind, (event) => then(JSON.parse(event.data)));
  const whole = (found) => { state = found; be("live", state, true); };
  on("full", whole);
  on("resync", whole);
  on("diff", (changes) => {
    for (const [key, value] of Object.entries(changes)) if (value === null) delete state[key]; else state[key] = value;
    be("live", changes);
  });
  on("down", () => be("down"));
  on("signed-out", () => { be("signed-out"); close(); });
  source.onerror = () => {
    be("lost");
    if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(check, 3000); }
  };
};
const close = () => { source?.close(); source = null; };
const check = () => {
  const wanted = [...tabs.values()].some(Boolean);
  if (wanted && !source && condition !== "signed-out") open();
  if (!wanted) close();
};

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    url ??= data.url;
    if (data.gone) tabs.delete(port); else tabs.set(port, data.visible);
    if (data.visible && source) port.postMessage({ condition, state, whole: true });
    check();
  };
};
