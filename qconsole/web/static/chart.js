// Turns the server's drawing of a chart into one that answers the pointer; the drawing stays when this fails.
(() => {
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const color = (name) => { const probe = document.createElement("i"); probe.style.color = `var(${name})`; document.body.append(probe); const found = getComputedStyle(probe).color; probe.remove(); return found; };
  const length = (ms) => ms == null ? "–" : ms < 1000 ? `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} m`;
  const draw = (figure) => {
    const plot = figure.querySelector(".plot"), data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    if (data.at.length < 2) return;
    const unit = figure.dataset.chartUnit, print = unit === "ms" ? length : (value) => value == null ? "–" : String(Math.round(value * 10) / 10);
    const names = Object.keys(data.columns), tones = ["--accent", figure.classList.contains("calm") ? "--other" : "--bad", "--warn"];
    const marks = (chart) => {
      const { ctx, bbox } = chart;
      ctx.save(); ctx.strokeStyle = color("--soft"); ctx.fillStyle = color("--soft"); ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]); ctx.font = `${11 * devicePixelRatio}px ${ink("--sans")}`;
      for (const mark of data.marks) {
        const x = chart.valToPos(mark.ms / 1000, "x", true);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
        const right = x > bbox.left + bbox.width * 0.8;
        if (plot.clientWidth < 640) continue;
        ctx.textAlign = right ? "right" : "left"; ctx.fillText(mark.label, x + (right ? -5 : 5) * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
      }
      ctx.restore();
    };
    const tell = (chart) => { // what is under the pointer, in the legend that the server wrote
      const at = chart.cursor.idx ?? Math.max(data.closed - 1, 0), time = chart.cursor.idx == null ? "" : `at ${new Date(data.at[at]).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })}`;
      for (const slot of figure.querySelectorAll("[data-at]")) slot.textContent = slot.dataset.at === "at" ? time : print(data.columns[slot.dataset.at][at]);
    };
    const axis = { stroke: color("--soft"), font: `11px ${ink("--mono")}`, grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), size: 4 } };
    const line = (i) => ({ stroke: color(tones[i] || "--accent"), width: 1.5, points: { show: false } });
    const part = (name, from, to) => data.columns[name].map((value, i) => i >= from && i < to ? value : null); // dashed: what is not over
    plot.replaceChildren();
    const chart = new uPlot({
      width: plot.clientWidth, height: 156, padding: [8, 18, 0, 0], legend: { show: false }, cursor: { y: false, points: { size: 6 } },
      hooks: { draw: [marks], setCursor: [tell] },
      scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(high || 0, 1) * 1.05] } },
      axes: [{ ...axis, values: "{HH}:{mm}", space: 70, size: 28 }, { ...axis, size: 58, values: (_, ticks) => ticks.map(print), space: 34 }],
      series: [{}, ...names.map((name, i) => ({ ...line(i), fill: i ? undefined : color("--accent-wash") })), ...names.map((name, i) => ({ ...line(i), dash: [2, 3] }))],
    }, [data.at.map((ms) => ms / 1000), ...names.map((name) => part(name, 0, data.closed)), ...names.map((name) => part(name, data.closed - 1, data.closed < data.at.length ? Infinity : 0))], plot);
    plot.chart = chart;
    plot.drawnFor = figure.querySelector("script").textContent;
  };
  const all = () => { for (const figure of document.querySelectorAll("figure[data-chart-unit]")) if (figure.querySelector(".plot").drawnFor !== figure.querySelector("script").textContent) redraw(figure); };
  const redraw = (figure) => { figure.querySelector(".plot").chart?.destroy(); draw(figure); };
  document.addEventListener("htmx:after:swap", all);
  let later;
  addEventListener("resize", () => { clearTimeout(later); later = setTimeout(() => document.querySelectorAll("figure[data-chart-unit]").forEach(redraw), 200); });
  all();
})();
