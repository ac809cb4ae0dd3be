// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { Http2Session } from "../../src/grpc/http2_session.ts";
import type { KeepAliveOptions, SocketBelow } from "../../src/grpc/http2_session.ts";
import { ManualClock, settle } from "../../src/testing/manual_clock.ts";

/** Longer than a connection may be silent without a question. */
const LONG_MS = 30_000;
const PONG_TIMEOUT_MS = 5_000;

/** A session whose peer does what the test says. */
class StubSession extends EventEmitter {
  closed = false;
  destroyed = false;
  readonly pings: ((error: Error | null) => void)[] = [];

  readonly streams: EventEmitter[] = [];

  request(): EventEmitter {
    const stream = new EventEmitter();
    this.streams.push(stream);
    return stream;
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

  /** What it was destroyed with: without an error its streams would not fail. */
  reason: Error | undefined;

  destroy(error?: Error): void {
    this.destroyed = true;
    this.reason = error;
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
  readonly session: Http2Session;

  constructor(options: KeepAliveOptions = {}) {
    this.session = new Http2Session({
      ...options,
      session: this.stub as unknown as ClientHttp2Session,
      socket: this.socket as unknown as SocketBelow,
      clock: this.clock,
    });
  }
}

function connected(options: KeepAliveOptions = {}): SessionRig {
  const rig = new SessionRig(options);
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

Deno.test("Http2Session with keep-alive asks while a stream is open and the peer silent, and at no other time", async () => {
  const { session, stub, clock } = connected({ keepAliveMs: 10_000, pongTimeoutMs: 2_000 });
  await clock.advance(60_000);
  session.hear();
  session.request({}, {});
  await clock.advance(9_999);
  session.hear();
  await clock.advance(9_999);
  assert.equal(stub.pings.length, 0);
  await clock.advance(1);
  assert.equal(stub.pings.length, 1);
  stub.pings[0]?.(null);
  await settle();
  stub.streams[0]?.emit("close");
  await clock.advance(60_000);
  assert.equal(stub.pings.length, 1);
  assert.equal(clock.sleeping, 0);
});

Deno.test("Http2Session with keep-alive ends a connection whose peer sends no pong in time", async () => {
  const { session, stub, clock } = connected({ keepAliveMs: 10_000, pongTimeoutMs: 2_000 });
  session.request({}, {});
  await clock.advance(10_000);
  await clock.advance(1_999);
  assert.equal(stub.destroyed, false);
  await clock.advance(1);
  assert.equal(stub.destroyed, true);
  assert.match(String(stub.reason), /did not answer a ping within 2000 ms/);
  assert.equal(clock.sleeping, 0);
});

Deno.test("Http2Session.probe() asks at most once in 6 s, and ends a connection without a pong", async () => {
  const { session, stub, clock } = connected({ pongTimeoutMs: 2_000 });
  const first = session.probe();
  stub.pings[0]?.(null);
  await first;
  await clock.advance(5_999);
  await session.probe();
  assert.equal(stub.pings.length, 1);
  await clock.advance(1);
  const second = session.probe();
  assert.equal(stub.pings.length, 2);
  await clock.advance(2_000);
  await second;
  assert.equal(stub.destroyed, true);
  await session.probe();
  assert.equal(stub.pings.length, 2);
});
