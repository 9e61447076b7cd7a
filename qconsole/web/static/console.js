// Live counts, keys, selection, times in the viewer's zone. Everything here only adds to pages that work without it.
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const body = document.body, page = () => $("#page"), rows = () => $$("[data-rows] tbody tr[data-id]");
const typing = (element) => element?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select");

// -- times: only the browser knows the viewer's zone and how old a page has become; rows: one stop of the Tab key
const whole = new Intl.DateTimeFormat(undefined, { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const short = (ms) => { // the same words as the server's
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor(s % 3600 / 60)).padStart(2, "0")} m`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
};
const dress = () => {
  for (const time of $$("time[data-as]")) {
    const at = Date.parse(time.dateTime);
    if (time.dataset.as === "at") time.textContent = whole.format(at);
    else { const gap = Date.now() - at; time.textContent = Math.abs(gap) < 1000 ? "now" : gap > 0 ? `${short(gap)} ago` : `in ${short(-gap)}`; }
  }
  const list = rows();
  if (list.length && !list.some((row) => row.tabIndex === 0)) list[0].tabIndex = 0;
  for (const row of list) if (row.tabIndex !== 0) row.tabIndex = -1;
  marked();
};
setInterval(() => { if (!document.hidden) dress(); }, 10_000);

// -- live counts: what the one stream of this browser tells goes into the page, and what it cannot tell is fetched
// wanted: since when the page is behind the counts; soon: since when that cannot wait for the page's period; 0 for not
let trouble = null, held = false, refreshed = Date.now(), drawn = refreshed, wanted = 0, asking = 0, soon = 0, busy = false, seenAt = 0, announced = Date.now(), condition = "wait";
const known = new Map();
const words = new Intl.NumberFormat("en-US");
const receive = ({ data }) => {
  condition = data.condition;
  if (condition === "signed-out") location.reload();
  if (data.state) {
    const first = !known.size, watch = page()?.dataset.watch;
    seenAt = Date.now();
    const gone = data.whole ? Object.fromEntries([...known.keys()].map((key) => [key, null])) : {};
    for (const [key, value] of Object.entries({ ...gone, ...data.state })) {
      const before = known.get(key) ?? null;
      if (value === null) known.delete(key); else known.set(key, value);
      if (first || !watch || before === value) continue;
      if (key.startsWith("missing|") && !before !== !value) soon = Date.now(); // a queue that cannot be read, or can again
      else if (/_(ms|minute)$/.test(key) || key !== watch && !key.startsWith(watch + "|")) continue;
      wanted ||= Date.now();
    }
    if (!held) paint();
  }
  show();
};
const paint = () => {
  for (const element of $$("[data-live]")) {
    const value = known.get(element.dataset.live);
    if (typeof value === "number") { const text = words.format(value); if (element.textContent !== text) element.textContent = text; element.classList.toggle("zero", !value && element.matches("td, a")); }
  }
};
const show = () => {
  const live = $("#live");
  if (!live) return;
  const age = Math.round((Date.now() - seenAt) / 1000);
  const [text, tone, icon] = held ? ["live updates held", "warn", "paused"]
    : condition === "down" ? [`Redis is away${seenAt ? `: counts are ${short(Date.now() - seenAt)} old` : ""}`, "bad", "failed"]
    : condition === "lost" ? ["no connection, trying again", "bad", "failed"]
    : !seenAt ? ["connecting", "soft", "idle"]
    : age > 5 ? [`counts are ${short(age * 1000)} old`, "warn", "failing"]
    : late() ? [`page is ${short(Date.now() - drawn)} old`, "warn", "failing"] : ["live", "good", "ok"];
  live.className = `state ${tone}`;
  if (live.lastElementChild.textContent !== text) live.lastElementChild.textContent = text;
  live.firstElementChild.firstElementChild.setAttribute("href", `#i-${icon}`);
};
const period = () => Number(page()?.dataset.period || 5000);
const late = () => soon ? Date.now() - soon > 2000 : (asking || wanted) && Date.now() - (asking || wanted) > period() + 5000;
const refresh = async () => {
  const element = page();
  if (!element?.dataset.url || busy) return;
  busy = true; asking = wanted; wanted = 0; refreshed = Date.now();
  let status = 0;
  const answered = ({ detail }) => { if (detail.ctx.sourceElement === element) status = detail.ctx.response.status; };
  element.addEventListener("htmx:after:request", answered);
  try { await htmx.ajax("GET", element.dataset.url, { source: element, target: element, swap: "innerMorph", headers: { "qconsole-live": "1" } }); }
  finally {
    element.removeEventListener("htmx:after:request", answered);
    if (status === 204) wanted = asking || refreshed;
    else if (!status || status >= 500) { wanted = asking || refreshed; soon ||= refreshed; if (status) trouble = $("#notice").firstElementChild; }
    else { drawn = Date.now(); if (soon <= refreshed) soon = 0; trouble?.remove(); trouble = null; }
    busy = false; asking = 0;
  }
};
const interrupted = () => document.hidden || held || typing(document.activeElement) && page()?.contains(document.activeElement)
  || $("#page details.menu[open]") || !getSelection().isCollapsed;
setInterval(() => {
  show();
  // What runs may end between two looks at the counts, which then say nothing of it.
  if ((wanted || $("#page [data-runs]")) && !interrupted() && Date.now() - refreshed >= (soon && condition === "live" ? Math.min(2000, period()) : period())) refresh();
  if (wanted && Date.now() - announced > 10_000 && !document.hidden) {
    announced = Date.now();
    $("#announce").textContent = `${$("[data-live='totals|queued']")?.textContent || words.format(known.get("totals|queued") || 0)} queued, ${words.format(known.get("totals|dead_letters") || 0)} dead letters`;
  }
}, 500);
if (body.dataset.live && window.SharedWorker) {
  const worker = new SharedWorker(body.dataset.worker, { name: "qconsole live" });
  const say = (more) => worker.port.postMessage({ url: body.dataset.live, visible: !document.hidden, ...more });
  worker.port.onmessage = receive;
  document.addEventListener("visibilitychange", () => say());
  addEventListener("pagehide", () => say({ gone: true }));
  addEventListener("pageshow", () => say());
}

// -- after a change: menus close and the page is fetched; logs are followed to their end while the reader is there
const menus = (but) => { for (const menu of $$("details.menu[open]")) if (!menu.contains(but)) menu.open = false; };
document.addEventListener("qconsole:changed", () => { menus(null); refresh(); });
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
});
document.addEventListener("htmx:after:swap", () => { dress(); paint(); follow(); });
const follow = () => { for (const log of $$("[data-follow]")) if (log.dataset.at === undefined || log.scrollHeight - log.scrollTop - log.clientHeight < 80) { log.scrollTop = log.scrollHeight; log.dataset.at = ""; } };

// -- selection: how many rows are marked, and marking all of a page
const marked = () => {
  for (const form of $$("form[data-select]")) {
    const count = $$("tbody input[name=ids]:checked", form).length, label = $("[data-marked]", form), all = $("[data-matching]", form)?.checked;
    if (label) { label.hidden = !count && !all; label.textContent = all ? "all that match" : `${count} marked`; }
  }
};
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) for (const box of $$("tbody input[name=ids]", event.target.form)) box.checked = event.target.checked;
  marked();
});

// -- preview beside the list: it follows the focus, and a click on a row moves that
const preview = (row) => { const pane = $("#preview"); if (pane && row?.dataset.href) htmx.ajax("GET", `${row.dataset.href}?preview=1`, { source: pane, target: pane, swap: "innerHTML" }); };
const current = () => document.activeElement?.closest?.("tr[data-id]") || $("tr[data-id][tabindex='0']");
const focus = (row) => {
  if (!row) return;
  for (const other of rows()) { other.tabIndex = -1; other.removeAttribute("aria-current"); }
  row.tabIndex = 0; row.setAttribute("aria-current", "true"); row.focus(); row.scrollIntoView({ block: "nearest" });
  if ($("#preview")?.childElementCount) { clearTimeout(focus.later); focus.later = setTimeout(() => preview(row), 150); }
};
document.addEventListener("click", (event) => {
  const copied = event.target.closest("[data-copy]");
  if (copied) return copy(copied.dataset.copy, copied.previousElementSibling);
  if (event.target.closest("[data-close]")) { $("#preview").replaceChildren(); return; }
  menus(event.target);
  const row = event.target.closest("tr[data-id]");
  if (row && !event.target.closest("a, button, input, summary, label, form.row")) { focus(row); if ($("#preview") && innerWidth > 1100) preview(row); }
});
const copy = async (text, shown) => { // without a clipboard, as on plain HTTP, the text is selected for Ctrl+C
  if (!text) return;
  let said = `Copied ${text}`;
  try { await navigator.clipboard.writeText(text); }
  catch { said = shown ? "Press Ctrl+C to copy what is selected" : `No clipboard here: ${text}`; if (shown) getSelection().selectAllChildren(shown); }
  $("#toast").textContent = said;
  clearTimeout(copy.later);
  copy.later = setTimeout(() => { $("#toast").textContent = ""; }, 3000);
};

// -- keys, the same as in the terminal
const act = (name) => { const scope = current()?.querySelector(`[data-act=${name}]`) || $(`#page [data-act=${name}]`); if (scope) (scope.matches("form") ? $("button", scope) : scope).click(); };
const byBulk = (name) => { const row = current(), form = row?.closest("form[data-select]"); if (form && !$$("input[name=ids]:checked, [data-matching]:checked", form).length) { const box = $("input[name=ids]", row); if (box) box.checked = true; } act(name); };
const step = (by) => { const list = rows(), at = list.indexOf(current()); focus(list[Math.max(0, Math.min(list.length - 1, document.activeElement?.closest?.("tr[data-id]") ? at + by : at))]); };
const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches && "dark")) === "dark";
const keys = {
  j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1), g: () => focus(rows()[0]), G: () => focus(rows().at(-1)),
  Enter: () => { const href = current()?.dataset.href; if (href) location.href = href; },
  l: () => preview(current()), ArrowRight: () => preview(current()),
  " ": () => { const box = $("input[name=ids]", current() || body); if (box) { box.checked = !box.checked; marked(); } },
  "*": () => { const box = $("[data-matching]"); if (box) { box.checked = !box.checked; marked(); } },
  "/": () => $("#filter")?.select(), "?": () => $("#keys").showModal(),
  r: () => byBulk("retry"), a: () => byBulk("cancel"), D: () => byBulk("remove"), p: () => act("pause"), t: () => $(`[data-theme-form] button[value=${isDark() ? "light" : "dark"}]`).click(),
  P: () => { held = !held; if (!held) { paint(); wanted ||= Date.now(); } show(); },
  y: () => { const one = current() || $("[data-current]"); copy(one?.dataset.id, one && $(".name, h1", one)); }, c: () => $("#page [data-copy]")?.click(),
  Escape: () => { const menu = $("details.menu[open]"); if (menu) { menu.open = false; $("summary", menu).focus(); } else if ($("#preview")?.childElementCount) $("#preview").replaceChildren(); else { const up = $$(".crumbs a").at(-1); if (up) location.href = up.href; } },
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || $("dialog[open]")) return;
  const target = event.target;
  if (event.key === "Escape" && typing(target)) return target.blur();
  if (typing(target) || (["Enter", " "].includes(event.key) && target.matches("a, button, summary, input")) || (event.key.startsWith("Arrow") && !target.closest("tr[data-id]"))) return;
  const section = /^[0-9]$/.test(event.key) && $(`.side a[data-key="${event.key}"]`);
  if (section) location.href = section.href;
  else if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

// -- completions of the filter: a list under the box, by the word at the caret, which no form control has
const box = $("#filter"), list = $("#suggestions");
if (box) {
  let later, chosen = -1;
  const options = () => $$("[role=option]", list);
  const choose = (at) => { chosen = at; options().forEach((option, i) => option.setAttribute("aria-selected", i === at)); box.setAttribute("aria-activedescendant", options()[at]?.id || ""); options()[at]?.scrollIntoView({ block: "nearest" }); };
  const shut = () => { list.replaceChildren(); chosen = -1; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); };
  const take = (option) => { box.value = option.dataset.result; box.setSelectionRange(+option.dataset.caret, +option.dataset.caret); shut(); ask(); };
  const ask = () => {
    clearTimeout(later);
    later = setTimeout(async () => {
      const query = new URLSearchParams({ filter: box.value, at: box.selectionStart, noun: box.dataset.noun });
      await htmx.ajax("GET", `${box.dataset.complete}?${query}`, { source: list, target: list, swap: "innerHTML" });
      if (document.activeElement !== box) return shut();
      chosen = -1; box.setAttribute("aria-expanded", String(options().length > 0));
    }, 120);
  };
  box.addEventListener("input", ask);
  box.addEventListener("focus", ask);
  box.addEventListener("blur", () => setTimeout(shut, 150));
  list.addEventListener("mousedown", (event) => { const option = event.target.closest("[role=option]"); if (option) { event.preventDefault(); take(option); } });
  box.addEventListener("keydown", (event) => {
    const found = options();
    if (event.key === "ArrowDown" && found.length) { event.preventDefault(); choose(Math.min(chosen + 1, found.length - 1)); }
    else if (event.key === "ArrowUp" && found.length) { event.preventDefault(); choose(Math.max(chosen - 1, 0)); }
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0 && found[chosen]) { event.preventDefault(); take(found[chosen]); }
    else if (event.key === "Escape" && found.length) { event.preventDefault(); event.stopPropagation(); shut(); }
  });
}
dress(); follow();
