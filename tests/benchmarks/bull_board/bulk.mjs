// Bull Board on one BullMQ queue of many failed and one of many waiting jobs: `node bulk.mjs REDIS_PORT JOBS`; prints its
// own port once both are there.
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { createBullBoard } = require("@bull-board/api");
const { BullMQAdapter } = require("@bull-board/api/bullMQAdapter");
const { ExpressAdapter } = require("@bull-board/express");
const { Queue, Worker } = require("bullmq");
const express = require("express");

const [port, jobs] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
const [failed, waiting] = ["failing", "outbox"].map((name) => new Queue(name, { connection }));
for (const queue of [failed, waiting]) {
  for (let at = 0; at < jobs; at += 1000) {
    const chunk = Array.from({ length: Math.min(1000, jobs - at) }, (_, i) => ({ name: "send", data: { to: `user${at + i}@example.com`, n: at + i } }));
    await queue.addBulk(chunk);
  }
}
const worker = new Worker("failing", async () => { throw new Error("no"); }, { connection, concurrency: 200 });
while ((await failed.getFailedCount()) < jobs) await new Promise((resolve) => setTimeout(resolve, 200));
await worker.close();

const adapter = new ExpressAdapter();
createBullBoard({ queues: [failed, waiting].map((queue) => new BullMQAdapter(queue)), serverAdapter: adapter });
const app = express();
app.use("/", adapter.getRouter());
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
