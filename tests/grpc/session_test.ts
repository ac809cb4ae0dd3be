// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { Session } from "../../src/grpc/session.ts";
import type { KeepAliveOptions } from "../../src/grpc/session.ts";
import { ManualClock, settle } from "../../src/testing/manual_clock.ts";
import { countListeners } from "../_support/listeners.ts";
import { answer, goaway, Received, settingsOf } from "../http2/_support/memory_server.ts";
import { FLAG, frame, framesOf, PREFACE, settingsAck, TYPE } from "../net/_support/h2_frames.ts";

/** Longer than a connection may be silent without a question. */
const LONG_MS = 30_000;
const PONG_TIMEOUT_MS = 5_000;

/** A socket whose peer does what the test says. */
class StubSocket extends EventEmitter {
  readonly writes: Uint8Array[] = [];
  readonly writableLength = 0;
  isDestroyed = false;
  isHeld = false;

  write(bytes: Uint8Array): void {
    // They may be used again at once.
    this.writes.push(bytes.slice());
  }

  setNoDelay(): void {}

  ref(): void {
    this.isHeld = true;
  }

  unref(): void {
    this.isHeld = false;
  }

  destroySoon(): void {
    this.destroy();
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

class SessionRig {
  readonly socket = new StubSocket();
  readonly clock = new ManualClock();
  readonly session: Session;

  constructor(
    opensWith: "connect" | "secureConnect" = "connect",
    keepAlive: KeepAliveOptions = {},
  ) {
    const socket = this.socket as unknown as Socket;
    this.session = new Session({ ...keepAlive, socket, opensWith, clock: this.clock });
  }

  static greeted(keepAlive: KeepAliveOptions = {}): SessionRig {
    const rig = new SessionRig("connect", keepAlive);
    rig.socket.emit("connect");
    rig.send(settingsOf([]), settingsAck());
    return rig;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.emit("data", Buffer.concat(parts));
  }

  /** The payloads of the pings that were sent. */
  get pings(): readonly Buffer[] {
    return framesOf(Buffer.concat(this.socket.writes).subarray(PREFACE.length))
      .filter(({ type }) => type === TYPE.ping).map(({ payload }) => payload);
  }

  pong(): void {
    this.send(frame(TYPE.ping, FLAG.ack, 0, this.pings.at(-1) ?? Buffer.alloc(8)));
  }

  request(): Received {
    const received = new Received();
    const common = [{ name: ":method", value: "POST" }];
    const fields = { common, usual: undefined, others: [] };
    this.session.request({ fields, body: Buffer.from("a") }, received);
    return received;
  }
}

/** Whether a promise has settled. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = () => void (settled = true);
  promise.then(mark, mark);
  await settle();
  return settled;
}

Deno.test("Session is not usable before the peer has sent its settings", async () => {
  const { session, socket } = new SessionRig();
  const usable = session.isUsable();
  socket.emit("connect");
  assert.equal(await hasSettled(usable), false);
  assert.deepEqual([session.isDialling, session.isReady], [true, false]);
  socket.emit("data", settingsOf([]));
  assert.equal(await usable, true);
  assert.deepEqual([session.isDialling, session.isReady], [false, true]);
  session.destroy();
});

Deno.test("Session says nothing before the handshake of TLS is over", async () => {
  const { session, socket } = new SessionRig("secureConnect");
  socket.emit("connect");
  await settle();
  assert.deepEqual(socket.writes, []);
  socket.emit("secureConnect");
  await settle();
  assert.equal(socket.writes.length, 1);
  session.destroy();
});

Deno.test("Session says what the socket said, also of a certificate that is refused late", async () => {
  const { session, socket } = new SessionRig("secureConnect");
  const usable = session.isUsable();
  socket.emit("secureConnect");
  socket.emit("error", new Error("alert certificate required"));
  await assert.rejects(usable, /certificate required/);
  assert.equal(socket.isDestroyed, true);
  socket.emit("error", new Error("and again"));
  socket.emit("close");
});

Deno.test("Session says what broke the protocol, and its dial ends then", async () => {
  const { session, socket, clock } = new SessionRig();
  const usable = session.isUsable();
  socket.emit("connect");
  socket.emit("data", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await assert.rejects(usable, /0x6 of HTTP\/2: a frame of \d+ bytes/);
  assert.equal(socket.isDestroyed, true);
  socket.emit("close");
  await settle();
  assert.equal(clock.sleeping, 0);
});

Deno.test("Session.destroy() ends a socket that is still connecting", async () => {
  const { session, socket } = new SessionRig();
  const usable = session.isUsable();
  session.destroy();
  assert.equal(socket.isDestroyed, true);
  await assert.rejects(usable, /closed/);
  socket.emit("connect");
  assert.deepEqual(socket.writes, []);
});

Deno.test("Session keeps the process alive while a request is under way, and at no other time", () => {
  const rig = SessionRig.greeted();
  assert.equal(rig.socket.isHeld, false);
  const asked = [rig.request(), rig.request()];
  assert.equal(rig.socket.isHeld, true);
  rig.send(answer(1, "a"));
  assert.equal(rig.socket.isHeld, true);
  rig.send(answer(3, "b"));
  assert.equal(rig.socket.isHeld, false);
  assert.deepEqual(asked.map(({ body }) => body), ["a", "b"]);
  rig.session.destroy();
});

for (const streams of [0, 1]) {
  Deno.test(`Session with ${streams} requests under way is asked after 30 s of silence, and ended without a pong`, async () => {
    const rig = SessionRig.greeted();
    const { session, clock } = rig;
    const asked = streams > 0 ? rig.request() : undefined;
    await clock.advance(LONG_MS - 1);
    assert.equal(await session.isUsable(), true);
    assert.equal(rig.pings.length, 0);
    await clock.advance(1);
    assert.equal(session.isReady, false);
    const usable = session.isUsable();
    await settle();
    assert.equal(rig.pings.length, 1);
    await clock.advance(PONG_TIMEOUT_MS);
    assert.equal(await usable, false);
    assert.equal(rig.socket.isDestroyed, true);
    assert.match(String(session.reason), /did not answer a ping within 5000 ms/);
    assert.deepEqual(asked?.events ?? ["lost"], ["lost"]);
    await settle();
    assert.equal(clock.sleeping, 0);
  });
}

Deno.test("Session asks nothing of a peer from which something was heard", async () => {
  const rig = SessionRig.greeted();
  for (let i = 0; i < 5; i++) {
    await rig.clock.advance(LONG_MS - 1);
    assert.equal(rig.session.isReady, true);
    rig.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
  }
  assert.equal(rig.pings.filter((payload) => payload.readUInt32BE(4) !== 0).length, 0);
  rig.session.destroy();
});

Deno.test("Session is usable after a pong, and leaves no timer behind, however often it asks", async () => {
  const rig = SessionRig.greeted();
  const listeners = countListeners();
  for (let ping = 1; ping <= 20; ping++) {
    await rig.clock.advance(LONG_MS);
    const both = [rig.session.isUsable(), rig.session.isUsable()];
    await settle();
    assert.equal(rig.pings.length, ping);
    rig.pong();
    assert.deepEqual(await Promise.all(both), [true, true]);
  }
  await settle();
  assert.equal(rig.clock.sleeping, 0);
  const { added, removed } = listeners.stop();
  assert(removed >= added, `${added} listeners came, ${removed} went`);
  rig.session.destroy();
});

Deno.test("Session is not usable if its peer says goodbye when it is asked whether it lives", async () => {
  const rig = SessionRig.greeted();
  const asked = rig.request();
  await rig.clock.advance(LONG_MS);
  const usable = rig.session.isUsable();
  await settle();
  rig.pong();
  rig.send(goaway(1));
  assert.equal(await usable, false);
  rig.send(answer(1, "a"));
  assert.equal(asked.body, "a");
  rig.socket.emit("close");
});

Deno.test("Session is not usable once the peer has said goodbye, and ends with its last request", async () => {
  const rig = SessionRig.greeted();
  const asked = rig.request();
  await settle();
  rig.send(goaway(1));
  assert.equal(await rig.session.isUsable(), false);
  assert.equal(rig.socket.isDestroyed, false);
  assert.deepEqual(rig.request().events, ["unprocessed"]);
  rig.send(answer(1, "a"));
  assert.equal(asked.body, "a");
  assert.equal(rig.socket.isDestroyed, true);
  rig.socket.emit("close");
});

Deno.test("Session fails its requests when the socket breaks, with what broke it", () => {
  const rig = SessionRig.greeted();
  const asked = rig.request();
  rig.socket.emit("error", Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  rig.socket.emit("close");
  assert.deepEqual(asked.events, ["lost"]);
  assert.match(String(rig.session.reason), /ECONNRESET/);
});

Deno.test("Session with keep-alive asks while a request is under way and the peer silent, and at no other time", async () => {
  const rig = SessionRig.greeted({ keepAliveMs: 10_000, pongTimeoutMs: 2_000 });
  const { clock } = rig;
  const hear = () => rig.send(settingsAck());
  await clock.advance(60_000);
  hear();
  rig.request();
  await clock.advance(9_999);
  hear();
  await clock.advance(9_999);
  assert.equal(rig.pings.length, 0);
  await clock.advance(1);
  assert.equal(rig.pings.length, 1);
  rig.pong();
  await settle();
  rig.send(answer(1, "a"));
  await clock.advance(60_000);
  assert.equal(rig.pings.length, 1);
  assert.equal(clock.sleeping, 0);
  rig.request();
  await settle();
  assert.equal(rig.pings.length, 2);
  rig.pong();
  await settle();
  rig.session.destroy();
  await settle();
  assert.equal(clock.sleeping, 0);
});

Deno.test("Session with keep-alive asks for the next request too, whenever it comes after the last", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const rig = SessionRig.greeted({ keepAliveMs: 10_000, pongTimeoutMs: 2_000 });
    rig.request();
    await rig.clock.advance(10_000);
    rig.send(answer(1, "a"));
    rig.pong();
    await settle(turns);
    rig.request();
    await rig.clock.advance(10_000);
    assert.equal(rig.pings.length, 2, `a request ${turns} turns after the pong`);
    rig.session.destroy();
    await settle();
  }
});

Deno.test("Session with keep-alive has one timer, however many requests come and go", async () => {
  const rig = SessionRig.greeted({ keepAliveMs: 10_000 });
  const { sleeping } = rig.clock;
  for (let stream = 1; stream < 200; stream += 2) {
    rig.request();
    rig.send(answer(stream, "a"));
  }
  await settle();
  assert.equal(rig.clock.sleeping, sleeping + 1);
  rig.session.destroy();
  await settle();
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("Session with keep-alive ends a connection whose peer sends no pong in time, after a goodbye too", async () => {
  for (const says of [settingsAck(), goaway(1)]) {
    const rig = SessionRig.greeted({ keepAliveMs: 10_000, pongTimeoutMs: 2_000 });
    const asked = rig.request();
    await settle();
    rig.send(says);
    await rig.clock.advance(10_000);
    await rig.clock.advance(1_999);
    assert.equal(rig.socket.isDestroyed, false);
    await rig.clock.advance(1);
    assert.equal(rig.socket.isDestroyed, true);
    assert.match(String(rig.session.reason), /did not answer a ping within 2000 ms/);
    assert.deepEqual(asked.events, ["lost"]);
    await settle();
    assert.equal(rig.clock.sleeping, 0);
  }
});

Deno.test("Session.probe() asks at most once in 6 s, and ends a connection without a pong", async () => {
  const rig = SessionRig.greeted({ pongTimeoutMs: 2_000 });
  const { session, clock } = rig;
  const first = session.probe();
  await settle();
  rig.pong();
  await first;
  await clock.advance(5_999);
  await session.probe();
  assert.equal(rig.pings.length, 1);
  await clock.advance(1);
  const second = session.probe();
  await settle();
  assert.equal(rig.pings.length, 2);
  await clock.advance(2_000);
  await second;
  assert.equal(rig.socket.isDestroyed, true);
  await session.probe();
  assert.equal(rig.pings.length, 2);
});

Deno.test("Session.probe() asks nobody while it is dialled", async () => {
  const { session, clock } = new SessionRig();
  await session.probe();
  assert.equal(clock.sleeping, 0);
  session.destroy();
});
