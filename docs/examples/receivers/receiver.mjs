// A receiver of http.call in Node: believes what is signed, does each slot's work once, and answers in time.
// Needs `npm install standardwebhooks`. SECRET is the `secret` of the schedule's params.
import { createServer } from "node:http";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.SECRET);
const folder = process.env.DONE ?? ".";
const running = new Map();

// What a slot is for; it may fail, and is then called again with the same webhook-id.
async function work(job) {
  console.log("working on", JSON.stringify(job));
}

// One file for each that was done; two calls at once of one id share one work. In place of this, use your database.
async function once(id, job) {
  const file = join(folder, `done-${id.replace(/[^A-Za-z0-9-]/g, "_")}`);
  if (existsSync(file)) return;
  if (!running.has(id)) {
    running.set(id, work(job).then(() => writeFileSync(file, "")).finally(() => running.delete(id)));
  }
  await running.get(id);
}

async function handle(request, body) {
  let job;
  try {
    job = webhook.verify(body, request.headers);
  } catch {
    return 401;
  }
  try {
    await once(request.headers["webhook-id"], job);
    return 200;
  } catch (error) {
    console.error("failed:", error);
    return 500;
  }
}

const server = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  response.writeHead(await handle(request, Buffer.concat(pieces).toString("utf8"))).end();
});
server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
