// What runs under node: `install` makes the tables, `work` works until SIGTERM. Stamps as bench/stamps.py writes them.
"use strict";
const fs = require("node:fs");
const { Logger, run, runMigrations } = require("graphile-worker");

const connectionString = process.env.BENCH_DATABASE;
const logger = new Logger(() => () => {});

async function work() {
  const file = fs.openSync(process.env.BENCH_STAMPS, "a");
  const pair = Buffer.alloc(16);
  const noop = () => {
    pair.writeDoubleLE((performance.timeOrigin + performance.now()) / 1000, 8);
    fs.writeSync(file, pair);
  };
  const worker = {
    connectionString,
    concurrentJobs: 24,
    maxPoolSize: 12,
    pollInterval: 100,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
  const runner = await run({ preset: { worker }, logger, taskList: { noop } });
  await runner.promise;
}

const main = process.argv[2] === "install" ? runMigrations({ connectionString, logger }) : work();
main.catch((error) => {
  console.error(error);
  process.exit(1);
});
