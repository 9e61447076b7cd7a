// BullMQ: node bullmq_peer.cjs MODE URL JOBS CONCURRENCY [PROCESSES], with node_modules at NODE_PATH.
// With two processes the first fills the queue and counts, the second (mode `second`) reports to it.
const { fork } = require("child_process");
const { Queue, Worker } = require("bullmq");
const [mode, url, jobsText, concurrencyText, processesText] = process.argv.slice(2);
const PAYLOAD = { document_id: "doc-1", tags: ["a", "b"], note: "x".repeat(120) };
const jobs = Number(jobsText);
const concurrency = Number(concurrencyText);
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const EVERY_MS = 20;

function finish(seconds, latencies = []) {
  latencies.sort((a, b) => a - b);
  process.stdout.write(JSON.stringify({ jobs, seconds, latencies_ms: latencies }) + "\n", () => process.exit(0));
}

const options = { connection, concurrency, removeOnComplete: { age: 3600 } };

function second() {
  let unreported = 0;
  const report = () => {
    if (unreported) process.send(unreported);
    unreported = 0;
  };
  const worker = new Worker("peer", async () => {
    unreported += 1;
    if (unreported === 100) setImmediate(report);
  }, { ...options, autorun: false });
  worker.on("drained", () => setImmediate(report));
  setInterval(report, 20);
  process.on("message", () => worker.run());
  worker.waitUntilReady().then(() => process.send(0));
}

function workWithSecond() {
  const child = fork(__filename, ["second", url, jobsText, concurrencyText]);
  let done = 0;
  let start = 0;
  let isReady = false;
  const count = (more) => {
    start = start || performance.now();
    done += more;
    if (done === jobs) {
      child.kill();
      finish((performance.now() - start) / 1000);
    }
  };
  child.on("message", (more) => {
    if (isReady) return count(more);
    isReady = true;
    child.send("go");
    new Worker("peer", async () => { setImmediate(count, 1); }, options);
  });
}

function work() {
  let done = 0;
  let first = 0;
  const latencies = [];
  return new Worker("peer", async (job) => {
    const now = performance.now();
    if (job.data.sent) latencies.push(Date.now() - job.data.sent);
    if (!done) first = now;
    done += 1;
    if (done === jobs) setImmediate(() => finish((performance.now() - first) / 1000, latencies));
  }, options);
}

async function main() {
  const queue = new Queue("peer", { connection });
  await queue.waitUntilReady();
  if (mode === "pickup") {
    await work().waitUntilReady();
    for (let n = 0; n < jobs; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      await queue.add("noop", { n, sent: Date.now() });
    }
    return;
  }
  const start = performance.now();
  if (mode === "enqueue") {
    for (let n = 0; n < jobs; n += 1) await queue.add("noop", PAYLOAD);
  } else {
    for (let at = 0; at < jobs; at += 1000) {
      const chunk = [];
      for (let n = at; n < Math.min(at + 1000, jobs); n += 1) chunk.push({ name: "noop", data: PAYLOAD });
      await queue.addBulk(chunk);
    }
  }
  if (mode !== "process") finish((performance.now() - start) / 1000);
  else if (processesText === "2") workWithSecond();
  else work();
}

if (mode === "second") second();
else main();
