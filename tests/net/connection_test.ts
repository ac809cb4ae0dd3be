// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Socket } from "node:net";
import { DeadlineQueue } from "../../src/http2/deadline_queue.ts";
import { Connection } from "../../src/net/connection.ts";
import type { Http2Session, OpenRequest } from "../../src/net/connection.ts";
import { ManualClock, settle } from "../../src/testing/manual_clock.ts";

const IDLE_MS = 1_000;

const REQUEST: OpenRequest = { end() {}, refuse() {} };

/** A connection of HTTP/2 whose requests a test answers in the turn that brings them, or later. */
class Rig implements Http2Session, Disposable {
  readonly destroyed = false;
  /** What an edge without a lane does not have. */
  answered?: number;
  isClosed = false;
  readonly #clock = new ManualClock();
  readonly #idle = new DeadlineQueue(IDLE_MS, this.#clock);
  readonly #others = new DeadlineQueue(100 * IDLE_MS, this.#clock);
  readonly #socket = new Socket();
  readonly connection = new Connection(this.#socket, {
    handshake: this.#others,
    request: this.#others,
    idle: this.#idle,
  });

  constructor(hasLane = true) {
    if (hasLane) this.answered = 0;
    this.connection.becomeHttp2(this.#socket, this);
  }

  answerAtOnce(): void {
    this.answered = (this.answered ?? 0) + 1;
  }

  async idle(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    await settle();
  }

  close(): void {
    this.isClosed = true;
  }

  destroy(): void {}

  ping(onAck: () => void): void {
    onAck();
  }

  [Symbol.dispose](): void {
    for (const queue of [this.#idle, this.#others]) queue.clear();
    this.#socket.destroy();
  }
}

for (const hasLane of [true, false]) {
  Deno.test(
    `a connection ${hasLane ? "with" : "without"} a lane is left when it has been idle`,
    async () => {
      using rig = new Rig(hasLane);
      await rig.idle(IDLE_MS - 1);
      assert.equal(rig.isClosed, false);
      await rig.idle(1);
      assert.equal(rig.isClosed, true);
    },
  );
}

Deno.test(
  "a connection whose calls are all answered at once is not idle, until they stop",
  async () => {
    using rig = new Rig();
    for (let i = 0; i < 5; i++) {
      rig.answerAtOnce();
      await rig.idle(IDLE_MS);
      assert.equal(rig.isClosed, false, `after ${i + 1} calls`);
    }
    await rig.idle(IDLE_MS);
    assert.equal(rig.isClosed, true);
  },
);

Deno.test(
  "a connection that watches is not idle, and what was answered before its end counts no more",
  async () => {
    using rig = new Rig();
    rig.connection.beginRequest(REQUEST);
    await rig.idle(3 * IDLE_MS);
    rig.answerAtOnce();
    rig.connection.endRequest(REQUEST);
    assert.equal(rig.isClosed, false);
    await rig.idle(IDLE_MS);
    assert.equal(rig.isClosed, true);
  },
);
