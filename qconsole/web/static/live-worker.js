// One stream for all tabs of this browser. It is open while a visible tab wants it.
const tabs = new Map(); // port -> visible
let source = null, state = {}, url = null, condition = { kind: "wait" };

const tell = (message) => { for (const [port, visible] of tabs) if (visible) port.postMessage(message); };

const open = () => {
  source = new EventSource(url);
  const whole = (event) => { state = JSON.parse(event.data); condition = { kind: "live" }; tell({ condition, state, whole: true }); };
  source.addEventListener("full", whole);
  source.addEventListener("resync", whole);
  source.addEventListener("diff", (event) => {
    const changes = JSON.parse(event.data);
    for (const [key, value] of Object.entries(changes)) if (value === null) delete state[key]; else state[key] = value;
    condition = { kind: "live" };
    tell({ condition, state: changes });
  });
  source.addEventListener("down", (event) => { condition = { kind: "down", ...JSON.parse(event.data) }; tell({ condition }); });
  source.addEventListener("signed-out", () => { condition = { kind: "signed-out" }; tell({ condition }); close(); });
  source.onerror = () => {
    condition = { kind: "lost" };
    tell({ condition });
    if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(check, 3000); }
  };
};
const close = () => { source?.close(); source = null; };
const check = () => {
  const wanted = [...tabs.values()].some(Boolean);
  if (wanted && !source && condition.kind !== "signed-out") open();
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
