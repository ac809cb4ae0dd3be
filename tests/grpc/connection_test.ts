// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import { createServer as createPlainServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { faultOf } from "../../src/client/calls/fault.ts";
import { TsoService } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import { CallDeadlines } from "../../src/grpc/call_deadlines.ts";
import { CallHeads } from "../../src/grpc/call_heads.ts";
import { GrpcConnection } from "../../src/grpc/connection.ts";
import { GrpcTransport } from "../../src/grpc/grpc_transport.ts";
import { ManualClock } from "../../src/testing/manual_clock.ts";
import { lastingPort } from "../_support/lasting_port.ts";
import { ioTest } from "../_support/levels.ts";
import { goaway, settingsOf } from "../http2/_support/memory_server.ts";
import { soon, until } from "../net/_support/until.ts";

const ABANDONED_DIAL_MS = 1_000;

async function listen(port: number): Promise<Http2Server> {
  const server = createServer();
  await once(server.listen(port, "127.0.0.1"), "listening");
  return server;
}

async function closed(server: Http2Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

function portOf(server: Http2Server): number {
  return (server.address() as AddressInfo).port;
}

function connectionTo(port: number): GrpcConnection {
  return new GrpcConnection({ origin: `http://127.0.0.1:${port}`, tls: undefined });
}

ioTest("GrpcConnection.session() tries anew after a peer that was not there", async () => {
  const port = lastingPort();
  const connection = connectionTo(port);
  await assert.rejects(soon("the end of the dial", connection.session()), /ECONNREFUSED/);
  const server = await listen(port);
  await soon("a session", connection.session());
  connection.close();
  await closed(server);
});

ioTest(
  "GrpcConnection.session() is one for all who wait, and another one after a goodbye",
  async () => {
    const server = await listen(0);
    const sessions: ServerHttp2Session[] = [];
    server.on("session", (session) => sessions.push(session));
    const connection = connectionTo(portOf(server));
    const [first, same] = await Promise.all([connection.session(), connection.session()]);
    assert.equal(first, same);
    assert.equal(connection.ready, first);
    sessions[0]?.close();
    await until("the goodbye", () => connection.ready === undefined);
    const [second, third] = await Promise.all([connection.session(), connection.session()]);
    assert.notEqual(second, first);
    assert.equal(second, third);
    assert.equal(sessions.length, 2);
    connection.close();
    await assert.rejects(connection.session(), /closed/);
    await closed(server);
  },
);

ioTest("GrpcConnection.session() dials a peer once that says goodbye at once", async () => {
  let dialled = 0;
  const server = createPlainServer((socket) => {
    dialled += 1;
    socket.on("error", () => {}).resume().write(Buffer.concat([settingsOf([]), goaway(0)]));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const connection = connectionTo((server.address() as AddressInfo).port);
  const waiting = [connection.session(), connection.session()];
  for (const outcome of await soon("the end of the dial", Promise.allSettled(waiting))) {
    assert(outcome.status === "rejected");
    assert.match(String(outcome.reason.cause), /the connection has ended/);
    assert.equal(faultOf(outcome.reason, { sendsOnce: true }).kind, "not-sent");
  }
  assert.equal(dialled, 1);
  connection.close();
  await new Promise((resolve) => server.close(resolve));
});

/** A peer that accepts, and says hello when it is told to. */
async function playMute(
  run: (connection: GrpcConnection, clock: ManualClock, sockets: Set<Socket>) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const mute = createPlainServer((socket) =>
    void sockets.add(socket.on("error", () => {}).resume())
  );
  await once(mute.listen(0, "127.0.0.1"), "listening");
  const { port } = mute.address() as AddressInfo;
  const clock = new ManualClock();
  const origin = `http://127.0.0.1:${port}`;
  const connection = new GrpcConnection({ origin, tls: undefined, clock });
  try {
    await run(connection, clock, sockets);
  } finally {
    connection.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => mute.close(resolve));
  }
}

ioTest(
  "GrpcConnection ends a dial that nobody waits for any more, after a second",
  () =>
    playMute(async (connection, clock, sockets) => {
      connection.enter();
      const dial = connection.session();
      let hasEnded = false;
      dial.catch(() => hasEnded = true);
      await until("a connection", () => sockets.size === 1);
      connection.leave();
      await clock.advance(ABANDONED_DIAL_MS - 1);
      assert.equal(hasEnded, false);
      await clock.advance(1);
      await assert.rejects(soon("the end of the dial", dial), /closed/);
      await until("the end of the socket", () => [...sockets].every(({ destroyed }) => destroyed));
    }),
);

ioTest(
  "GrpcConnection goes on with a dial that was abandoned and is wanted again",
  () =>
    playMute(async (connection, clock, sockets) => {
      connection.enter();
      const dial = connection.session();
      dial.catch(() => {});
      await until("a connection", () => sockets.size === 1);
      connection.leave();
      connection.enter();
      const again = connection.session();
      await clock.advance(ABANDONED_DIAL_MS);
      for (const socket of sockets) socket.write(settingsOf([]));
      assert.equal(await soon("the session", again), await dial);
      assert.equal(sockets.size, 1);
      connection.leave();
    }),
);

ioTest(
  "GrpcConnection keeps a connection whose dial was abandoned, and came about within the second",
  () =>
    playMute(async (connection, clock, sockets) => {
      connection.enter();
      const dial = connection.session();
      await until("a connection", () => sockets.size === 1);
      connection.leave();
      for (const socket of sockets) socket.write(settingsOf([]));
      const session = await soon("the session", dial);
      await clock.advance(ABANDONED_DIAL_MS);
      assert.equal(connection.ready, session);
    }),
);

ioTest(
  "GrpcConnection is not dialled on for a call whose time is over",
  () =>
    playMute(async (connection, clock, sockets) => {
      const deadlines = new CallDeadlines(clock);
      const transport = new GrpcTransport({
        connection,
        deadlines,
        heads: new CallHeads("http://oracle.example"),
        maxAnswerBytes: 1_000,
      });
      const { getTs } = TsoService.method;
      const call = transport.unary(getTs, undefined, 10, undefined, { count: 1 });
      const failed = assert.rejects(call, /timed out/);
      await until("a connection", () => sockets.size === 1);
      await clock.advance(10);
      await soon("the end of the call", failed);
      await clock.advance(ABANDONED_DIAL_MS);
      await until("the end of the socket", () => [...sockets].every(({ destroyed }) => destroyed));
      deadlines.clear();
    }),
);
