// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { connect, Server } from "node:net";
import { MetricsListenError, serveMetrics } from "../../src/observe/metrics_server.ts";
import type { MetricsServer } from "../../src/observe/metrics_server.ts";
import { lastingPort, onceFree } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { recordLogs } from "../_support/logs.ts";

const SOURCE = {
  contentType: "text/plain; version=0.0.4",
  render: () => Promise.resolve("up 1\n"),
};

function url(server: MetricsServer, path = "/metrics"): string {
  return `http://127.0.0.1:${server.port}${path}`;
}

ioTest("serveMetrics() answers GET /metrics with the page and its media type", async () => {
  await using server = await serveMetrics(SOURCE, { port: 0 });
  const response = await fetch(url(server, "/metrics?anything"));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), SOURCE.contentType);
  assert.equal(await response.text(), "up 1\n");
});

ioTest("serveMetrics() answers HEAD without a body", async () => {
  await using server = await serveMetrics(SOURCE, { port: 0 });
  const response = await fetch(url(server), { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "");
});

ioTest("serveMetrics() answers 404 elsewhere and 405 to other methods", async () => {
  await using server = await serveMetrics(SOURCE, { port: 0 });
  const elsewhere = await fetch(url(server, "/metricsx"));
  assert.equal(elsewhere.status, 404);
  assert.match(await elsewhere.text(), /at \/metrics/);
  const posted = await fetch(url(server), { method: "POST", body: "x" });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get("allow"), "GET, HEAD");
  await posted.body?.cancel();
});

ioTest("serveMetrics() answers 500 without details when the page cannot be made", async () => {
  const render = () => Promise.reject(new Error("secret detail"));
  await using server = await serveMetrics({ contentType: "text/plain", render }, { port: 0 });
  const response = await fetch(url(server));
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
});

ioTest("serveMetrics() names the address when it is in use", async () => {
  await using server = await serveMetrics(SOURCE, { port: 0 });
  await assert.rejects(serveMetrics(SOURCE, { port: server.port }), (error) => {
    assert.ok(error instanceof MetricsListenError);
    assert.equal(error.code, "address-in-use");
    assert.match(
      error.message,
      new RegExp(`127\\.0\\.0\\.1:${server.port}: the address is in use`),
    );
    return true;
  });
});

ioTest("serveMetrics() refuses an address that is not of this machine", async () => {
  await assert.rejects(serveMetrics(SOURCE, { hostname: "192.0.2.1", port: 0 }), {
    name: "MetricsListenError",
    code: "listen-failed",
  });
});

ioTest(
  "MetricsServer.close() ends an idle connection, frees the port and may be repeated",
  async () => {
    const server = await serveMetrics(SOURCE, { port: lastingPort() });
    const idle = connect({ host: "127.0.0.1", port: server.port });
    const closed = new Promise((resolve) => idle.once("close", resolve));
    idle.on("error", () => {});
    await new Promise((resolve) => idle.once("connect", resolve));
    const first = await fetch(url(server));
    await first.text();
    await server.close();
    await server.close();
    await closed;
    await using again = await onceFree(() => serveMetrics(SOURCE, { port: server.port }));
    assert.equal(again.port, server.port);
  },
);

ioTest("serveMetrics() refuses headers beyond its limit and keeps serving", async () => {
  await using server = await serveMetrics(SOURCE, { port: 0 });
  const big = await fetch(url(server), { headers: { "x-filler": "x".repeat(20_000) } })
    .then((response) => response.body?.cancel().then(() => response.status), () => "reset");
  assert.ok(big === 431 || big === "reset", `answered ${big}`);
  const response = await fetch(url(server));
  assert.equal(await response.text(), "up 1\n");
});

ioTest("serveMetrics() ends a connection that sends half a request and stops", async () => {
  await using server = await serveMetrics(SOURCE, { port: 0, idleTimeoutMs: 50 });
  const socket = connect({ host: "127.0.0.1", port: server.port });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  socket.write("GET /metrics HTTP/1.1\r\nhost: x\r\n");
  await closed;
});

Deno.test("serveMetrics() refuses an idle timeout that is not a positive whole number", async () => {
  for (const idleTimeoutMs of [0, -1, 1.5, NaN]) {
    await assert.rejects(serveMetrics(SOURCE, { idleTimeoutMs }), RangeError);
  }
});

Deno.test("serveMetrics() refuses a port out of range", async () => {
  for (const port of [-1, 65_536, 1.5, NaN]) {
    await assert.rejects(serveMetrics(SOURCE, { port }), {
      name: "RangeError",
      message:
        `Cannot serve metrics as 'port' must be a whole number from 0 to 65535: current value is ${port}`,
    });
  }
});

ioTest("serveMetrics() goes on after a fault of its listener, and logs it", async () => {
  await using logs = await recordLogs();
  const { listener, server } = await withListener(() => serveMetrics(SOURCE, { port: 0 }));
  await using _server = server;
  listener.emit("error", new Error("too many open files"));
  assert.match(String(logs.records[0]?.rawMessage), /metrics endpoint cannot accept/);
  assert.equal(await (await fetch(url(server))).text(), "up 1\n");
});

/** What is opened, with the listener that it does not show. */
async function withListener(
  open: () => Promise<MetricsServer>,
): Promise<{ readonly listener: Server; readonly server: MetricsServer }> {
  const { listen } = Server.prototype;
  const listeners: Server[] = [];
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    listeners.push(this);
    return Reflect.apply(listen, this, args);
  };
  try {
    const server = await open();
    const [listener] = listeners;
    assert.ok(listener !== undefined);
    return { listener, server };
  } finally {
    Server.prototype.listen = listen;
  }
}
