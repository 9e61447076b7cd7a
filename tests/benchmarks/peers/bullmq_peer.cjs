// BullMQ: node bullmq_peer.cjs MODE URL JOBS CONCURRENCY, with node_modules beside NODE_PATH.
const { Queue, Worker } = require("bullmq");
const [mode, url, jobsText, concurrencyText] = process.argv.slice(2);
const jobs = Number(jobsText);
const concurrency = Number(concurrencyText);
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const EVERY_MS = 20;

function finish(seconds, latencies = []) {
  latencies.sort((a, b) => a - b);
  process.stdout.write(JSON.stringify({ jobs, seconds, latencies_ms: latencies }) + "\n", () => process.exit(0));
}

function work() {
  let done = 0;
  let first = 0;
  const latencies = [];
  const options = { connection, concurrency, removeOnComplete: { age: 3600 } };
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
    for (let n = 0; n < jobs; n += 1) await queue.add("noop", { n });
  } else {
    for (let at = 0; at < jobs; at += 1000) {
      const chunk = [];
      for (let n = at; n < Math.min(at + 1000, jobs); n += 1) chunk.push({ name: "noop", data: { n } });
      await queue.addBulk(chunk);
    }
  }
  if (mode !== "process") finish((performance.now() - start) / 1000);
  else work();
}

main();
