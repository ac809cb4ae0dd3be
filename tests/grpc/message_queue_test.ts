// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { MessageQueue } from "../../src/grpc/message_queue.ts";
import { envelope } from "../../src/grpc/message_reader.ts";
import { settle } from "../../src/testing/manual_clock.ts";

class QueueRig {
  usedBytes = 0;
  readonly queue: MessageQueue;

  constructor(maxBytes = 1_000) {
    this.queue = new MessageQueue({ maxBytes, onUsed: (bytes) => this.usedBytes += bytes });
  }

  /** Gives bytes to the queue as a span within others, as frames do. */
  add(bytes: Uint8Array): void {
    const frame = Buffer.concat([Buffer.from("<<"), bytes, Buffer.from(">>")]);
    this.queue.add(frame, { start: 2, end: 2 + bytes.length });
  }

  async take(): Promise<string | undefined> {
    const bytes = await this.queue.take();
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  }
}

function framed(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => envelope(Buffer.from(text))));
}

const TEXTS = ["one", "", "x".repeat(300), "four"];

for (const size of [1, 2, 5, 7, 100, 1_000]) {
  Deno.test(`MessageQueue reads the same messages from parts of ${size} bytes`, async () => {
    const rig = new QueueRig();
    const bytes = framed(...TEXTS);
    for (let at = 0; at < bytes.length; at += size) rig.add(bytes.subarray(at, at + size));
    rig.queue.checkEnd();
    rig.queue.end();
    for (const text of TEXTS) assert.equal(await rig.take(), text);
    assert.equal(await rig.take(), undefined);
    assert.equal(rig.usedBytes, bytes.length);
  });
}

Deno.test("MessageQueue counts the bytes of a message as used when it is taken", async () => {
  const rig = new QueueRig();
  rig.add(framed("one", "three"));
  rig.add(framed("x".repeat(100)).subarray(0, 60));
  assert.equal(rig.usedBytes, 0);
  assert.equal(await rig.take(), "one");
  assert.equal(rig.usedBytes, 8);
  assert.equal(await rig.take(), "three");
  assert.equal(rig.usedBytes, 18);
});

Deno.test("MessageQueue counts the bytes of half a message as used while it is waited for, and never twice", async () => {
  const rig = new QueueRig();
  const long = framed("x".repeat(100));
  rig.add(long.subarray(0, 60));
  const taken = rig.take();
  assert.equal(rig.usedBytes, 60);
  rig.add(long.subarray(60, 90));
  assert.equal(rig.usedBytes, 90);
  rig.add(Buffer.concat([long.subarray(90), framed("next")]));
  assert.equal((await taken)?.length, 100);
  assert.equal(rig.usedBytes, 105);
  assert.equal(await rig.take(), "next");
  assert.equal(rig.usedBytes, 114);
});

Deno.test("MessageQueue gives what was whole before it tells of a fault, and nothing after an abort", async () => {
  const fault = new ConnectError("lost", Code.Internal);
  const ended = new QueueRig();
  ended.add(framed("one", "two"));
  ended.queue.end(fault);
  assert.deepEqual([await ended.take(), await ended.take()], ["one", "two"]);
  await assert.rejects(ended.take(), fault);
  const aborted = new QueueRig();
  aborted.add(framed("one", "two"));
  aborted.queue.abort(fault);
  await assert.rejects(aborted.take(), fault);
});

Deno.test("MessageQueue ends a wait by its end", async () => {
  const rig = new QueueRig();
  const waiting = rig.take();
  await settle();
  rig.queue.end();
  assert.equal(await waiting, undefined);
});

Deno.test("MessageQueue lets one wait at a time", async () => {
  const rig = new QueueRig();
  const first = rig.take();
  await assert.rejects(rig.take(), { code: Code.Internal });
  rig.add(framed("one"));
  assert.equal(await first, "one");
});

Deno.test("MessageQueue refuses messages that are too large, compressed or not whole", () => {
  const large = new QueueRig(10);
  large.add(framed("0123456789"));
  assert.throws(() => large.add(framed("0123456789a").subarray(0, 5)), {
    code: Code.ResourceExhausted,
    rawMessage: "message size 11 is larger than configured readMaxBytes 10",
  });
  const packed = framed("abc");
  packed[0] = 1;
  assert.throws(() => new QueueRig().add(packed), { code: Code.Internal });
  for (const bytes of [1, 4, 5, 7]) {
    const half = new QueueRig();
    half.add(framed("abc").subarray(0, bytes));
    assert.throws(() => half.queue.checkEnd(), { code: Code.Internal });
  }
});
