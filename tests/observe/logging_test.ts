// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import assert from "node:assert/strict";
import type { LoggingOptions } from "../../src/observe/logging.ts";
import { startLogging } from "../../src/observe/logging.ts";

const logger = getLogger(["tsoracle", "test"]);

function logged(options: Omit<LoggingOptions, "write">, log: () => void): string[] {
  const lines: string[] = [];
  const stop = startLogging({ ...options, write: (text) => lines.push(text) });
  try {
    log();
  } finally {
    stop();
  }
  return lines;
}

Deno.test("startLogging() writes text lines with time, level, room, message and fields", () => {
  const [line] = logged(
    {},
    () => logger.info("heartbeat", { epoch: 5n, serving: true, by: "a b" }),
  );
  assert.match(
    line ?? "",
    /^\d{4}-\d\d-\d\dT[\d:.]+Z info tsoracle\.test: heartbeat epoch=5 serving=true by="a b"\n$/,
  );
});

Deno.test("startLogging() keeps a text record on one line and shows an error with its cause", () => {
  const error = new Error("boom\nbang", { cause: new TypeError("inner") });
  const [line] = logged({}, () => logger.error("stopped", { error }));
  assert.equal(line?.trimEnd().split("\n").length, 1);
  assert.match(line ?? "", /error="Error: boom\\nbang; caused by TypeError: inner"/);
});

Deno.test("startLogging() does not repeat a cause that the error tells itself", () => {
  const error = new Error("cannot write: disk full", { cause: new Error("disk full") });
  const [line] = logged({}, () => logger.error("stopped", { error }));
  assert.match(line ?? "", /error="Error: cannot write: disk full"\n$/);
});

Deno.test("startLogging() shows a value in the message or behind it, not twice", () => {
  const error = new Error("boom\nbang");
  const log = () => logger.error("{what} ended: {error}", { what: "a watch", error, epoch: 7n });
  assert.match(logged({}, log)[0] ?? "", /: a watch ended: Error: boom bang epoch=7\n$/);
});

Deno.test("startLogging() writes JSON lines with bigints as strings", () => {
  const epoch = (1n << 100n) + 1n;
  const [line] = logged({ format: "json" }, () => logger.warn("fenced", { epoch, count: 3 }));
  const record = JSON.parse(line ?? "");
  assert.equal(record.message, "fenced");
  assert.equal(record.logger, "tsoracle.test");
  assert.equal(record.epoch, String(epoch));
  assert.equal(record.count, 3);
});

Deno.test("startLogging() keeps a JSON record on one line whatever it says", () => {
  const [line] = logged({ format: "json" }, () => logger.info("a\nb", { text: "c\nd" }));
  assert.equal(line?.trimEnd().split("\n").length, 1);
});

Deno.test("startLogging() drops what is below the level", () => {
  const log = () => {
    logger.debug("debug");
    logger.info("info");
    logger.warn("warning");
    logger.error("error");
  };
  assert.equal(logged({ level: "trace" }, log).length, 4);
  assert.equal(logged({ level: "info" }, log).length, 3);
  assert.equal(logged({ level: "error" }, log).length, 1);
  assert.equal(logged({ level: "off" }, log).length, 0);
});

Deno.test("startLogging() leaves the library silent again once it is stopped", () => {
  const lines = logged({}, () => {});
  logger.error("nobody listens");
  assert.deepEqual(lines, []);
});

Deno.test("startLogging() ends a chain of causes that loops", () => {
  const error = new Error("loop");
  error.cause = error;
  const [line] = logged({}, () => logger.error("stopped", { error }));
  assert.ok((line ?? "").length < 500);
});
