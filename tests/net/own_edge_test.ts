// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { DeadlineQueue } from "../../src/http2/deadline_queue.ts";
import { Connection } from "../../src/net/connection.ts";
import type { Http2Session } from "../../src/net/connection.ts";
import { resolveLimits } from "../../src/net/limits.ts";
import { OwnEdge } from "../../src/net/own_edge.ts";
import { ManualClock } from "../../src/testing/manual_clock.ts";
import { data, framesOf, hello, openStream, settingsAck, TYPE } from "./_support/h2_frames.ts";

const GET_TS = "/tsoracle.v1.TsoService/GetTs";
const ONE = Buffer.from("0801", "hex");
const WAIT_MS = 1_000;
const PREFIX = Buffer.from("0000000002", "hex");

function headOf(stream: number, type: string): Buffer {
  return openStream(stream, GET_TS, [["content-type", `application/${type}`]]);
}

/** A client on a socket of memory. */
class Peer implements Disposable {
  readonly session: Http2Session;
  readonly #raw = new Socket();
  readonly #written: Buffer[] = [];
  readonly #socket = new Duplex({
    read() {},
    write: (chunk, _, done) => {
      this.#written.push(Buffer.from(chunk));
      done();
    },
  });

  constructor(edge: OwnEdge, waits: DeadlineQueue) {
    const connection = new Connection(this.#raw, { handshake: waits, request: waits, idle: waits });
    this.session = edge.start(this.#socket as Socket, connection);
    this.#read(Buffer.concat([hello(), settingsAck()]));
  }

  /** How many answers have a body. */
  get answers(): number {
    return framesOf(Buffer.concat(this.#written)).filter(({ type }) => type === TYPE.data).length;
  }

  /** Calls in one read. */
  call(stream: number, protocol: "grpc" | "proto"): void {
    const body = protocol === "grpc" ? Buffer.concat([PREFIX, ONE]) : ONE;
    this.#read(Buffer.concat([headOf(stream, protocol), data(stream, body, true)]));
  }

  /** Begins a call. */
  begin(stream: number, type: string): void {
    this.#read(headOf(stream, type));
  }

  #read(bytes: Buffer): void {
    this.#socket.emit("data", bytes);
  }

  [Symbol.dispose](): void {
    this.session.destroy();
    this.#raw.destroy();
  }
}

/** An edge in front of an oracle that grants whatever it is asked for, until it does not. */
class Rig implements Disposable {
  readonly clock = new ManualClock({ nowMs: 1_000 });
  /** The samples of the clock that grants were made with. */
  readonly samples: unknown[] = [];
  grants = true;
  /** The messages that were left to others, by whether they were late. */
  readonly left: unknown[] = [];
  readonly #waits = new DeadlineQueue(WAIT_MS, this.clock);
  readonly #edge = new OwnEdge({
    limits: resolveLimits(),
    clock: this.clock,
    deadlines: { handshake: this.#waits, stall: this.#waits, farewell: this.#waits },
    onMessage: (message) => this.left.push(message.isLate),
    instant: {
      wallMs: () => this.clock.nowMs(),
      getTsNow: (count, nowMs) => {
        if (!this.grants) return undefined;
        this.samples.push(nowMs);
        return { kind: "granted", physicalMs: 1_000, logicalStart: 0, count, epoch: 1n };
      },
    },
  });

  connect(): Peer {
    return new Peer(this.#edge, this.#waits);
  }

  [Symbol.dispose](): void {
    this.#waits.clear();
  }
}

Deno.test("OwnEdge counts what a lane has answered in either protocol, for each connection", () => {
  using rig = new Rig();
  using one = rig.connect();
  using other = rig.connect();
  one.call(1, "grpc");
  one.call(3, "proto");
  other.call(1, "proto");
  rig.grants = false;
  one.call(5, "grpc");
  assert.deepEqual([one.session.answered, other.session.answered], [2, 1]);
  assert.deepEqual([one.answers, other.answers, rig.left], [2, 1, [false]]);
});

Deno.test("OwnEdge has a sample of the clock for each read, whichever connection it is from", () => {
  using rig = new Rig();
  using one = rig.connect();
  using other = rig.connect();
  one.call(1, "grpc");
  rig.clock.jumpTo(2_000);
  other.call(1, "grpc");
  rig.clock.jumpTo(3_000);
  one.call(3, "proto");
  assert.deepEqual(rig.samples, [1_000, 2_000, 3_000]);
});

Deno.test("OwnEdge says of what the lane has waited for in vain that it is late", async () => {
  using rig = new Rig();
  using peer = rig.connect();
  peer.begin(1, "grpc");
  peer.begin(3, "json");
  assert.deepEqual(rig.left, [false], "JSON is not for the lane");
  await rig.clock.advance(WAIT_MS);
  assert.deepEqual(rig.left, [false, true]);
});
