// Bull Board on six BullMQ queues: `node server.mjs REDIS_PORT`; prints its own port and its versions.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { createBullBoard } = require("@bull-board/api");
const { BullMQAdapter } = require("@bull-board/api/bullMQAdapter");
const { ExpressAdapter } = require("@bull-board/express");
const { Queue } = require("bullmq");
const express = require("express");

const connection = { host: "127.0.0.1", port: Number(process.argv[2]) };
const queues = ["billing", "email", "exports", "reports", "thumbnails", "webhooks"].map((name) => new Queue(name, { connection }));
for (const queue of queues) await queue.addBulk(Array.from({ length: 50 }, (_, i) => ({ name: "work", data: { to: `user${i}@example.com` } })));

const adapter = new ExpressAdapter();
createBullBoard({ queues: queues.map((queue) => new BullMQAdapter(queue)), serverAdapter: adapter });
const app = express();
app.use("/", adapter.getRouter());
const server = app.listen(0, "127.0.0.1", () => {
  const version = (name) => JSON.parse(readFileSync(`${process.cwd()}/node_modules/${name}/package.json`)).version;
  console.log(JSON.stringify({ port: server.address().port, bull_board: version("@bull-board/express"), bullmq: version("bullmq") }));
});
