// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { Http2Session } from "../../../../src/client/channels/node/http2_session.ts";
import type { SocketBelow } from "../../../../src/client/channels/node/http2_session.ts";
import { ManualClock, settle } from "../../../../src/testing/manual_clock.ts";

/** Longer than a connection may be silent without a question. */
const LONG_MS = 30_000;
const PONG_TIMEOUT_MS = 5_000;

/** A session whose peer does what the test says. */
class StubSession extends EventEmitter {
  closed = false;
  destroyed = false;
  readonly pings: ((error: Error | null) => void)[] = [];

  request(): EventEmitter {
    return new EventEmitter();
  }

  ping(answer: (error: Error | null) => void): boolean {
    this.pings.push(answer);
    return true;
  }

  ref(): void {}

  unref(): void {}

  close(): void {
    this.closed = true;
  }

  destroy(error?: Error): void {
    this.destroyed = true;
    if (error !== undefined) this.emit("error", error);
    this.emit("close");
  }
}

class StubSocket extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }
}

class SessionRig {
  readonly stub = new StubSession();
  readonly socket = new StubSocket();
  readonly clock = new ManualClock();
  readonly session = new Http2Session({
    session: this.stub as unknown as ClientHttp2Session,
    socket: this.socket as unknown as SocketBelow,
    clock: this.clock,
  });
}

function connected(): SessionRig {
  const rig = new SessionRig();
  rig.stub.emit("connect");
  rig.stub.emit("remoteSettings");
  return rig;
}

/** Whether a promise has settled. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = () => void (settled = true);
  promise.then(mark, mark);
  await settle();
  return settled;
}

Deno.test("Http2Session is not usable before the peer has sent its settings", async () => {
  const { session, stub } = new SessionRig();
  const usable = session.isUsable();
  stub.emit("connect");
  assert.equal(await hasSettled(usable), false);
  assert.equal(session.isDialling, true);
  stub.emit("remoteSettings");
  assert.equal(await usable, true);
  assert.equal(session.isDialling, false);
});

Deno.test("Http2Session says what the socket said, which Node may tell nobody else", async () => {
  const { session, stub, socket } = new SessionRig();
  const usable = session.isUsable();
  stub.emit("connect");
  socket.emit("error", new Error("alert certificate required"));
  await assert.rejects(usable, /certificate required/);
  assert.equal(stub.destroyed, true);
  socket.emit("error", new Error("and again"));
});

Deno.test("Http2Session says what broke the protocol rather than what that did to the socket", async () => {
  const { session, stub, socket } = new SessionRig();
  const usable = session.isUsable();
  stub.destroyed = true;
  socket.emit("error", new Error("write after end"));
  stub.emit("error", new Error("Protocol error"));
  await assert.rejects(usable, /Protocol error/);
});

Deno.test("Http2Session.destroy() ends a socket that is still connecting", async () => {
  const { session, stub, socket } = new SessionRig();
  const usable = session.isUsable();
  session.destroy();
  assert.deepEqual([stub.destroyed, socket.destroyed], [true, true]);
  await assert.rejects(usable, /closed/);
});

for (const streams of [0, 1]) {
  Deno.test(`Http2Session with ${streams} open streams is asked after 30 s of silence, and ended without a pong`, async () => {
    const { session, stub, clock } = connected();
    if (streams > 0) session.request({}, {});
    await clock.advance(LONG_MS - 1);
    assert.equal(await session.isUsable(), true);
    assert.equal(stub.pings.length, 0);
    await clock.advance(1);
    const usable = session.isUsable();
    await settle();
    assert.equal(stub.pings.length, 1);
    await clock.advance(PONG_TIMEOUT_MS);
    assert.equal(await usable, false);
    assert.equal(stub.destroyed, true);
    assert.equal(clock.sleeping, 0);
  });
}

Deno.test("Http2Session leaves no listener behind, however often it pings", async () => {
  const { session, stub, clock } = connected();
  const before = stub.listenerCount("close");
  for (let ping = 0; ping < 20; ping++) {
    await clock.advance(LONG_MS);
    const usable = session.isUsable();
    await settle();
    stub.pings[ping]?.(null);
    assert.equal(await usable, true);
  }
  assert.equal(stub.listenerCount("close"), before);
});
