// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { MessageQueue } from "../../src/grpc/message_queue.ts";
import { envelope } from "../../src/grpc/message_reader.ts";
import type { AnswerSink, ClientStream, StreamFailure } from "../../src/http2/client_stream.ts";
import { DEFAULT_WINDOW_BYTES } from "../../src/http2/settings.ts";
import { scaled } from "../_support/levels.ts";
import { head, MemoryServer } from "../http2/_support/memory_server.ts";
import { data } from "../net/_support/h2_frames.ts";

const MAX_BYTES = 200_000;

/** A client that reads the messages of stream 1 one by one, and a server that keeps to the windows. */
class Flow {
  readonly server = MemoryServer.greeted();
  readonly queue: MessageQueue;
  readonly taken: number[] = [];
  failure: StreamFailure | undefined;
  sentBytes = 0;
  isWaiting = false;
  readonly #stream: ClientStream;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const queue = new MessageQueue({
      maxBytes: MAX_BYTES,
      onUsed: (used) => this.#stream.consume(used),
    });
    this.queue = queue;
    const sink: AnswerSink = {
      onHead() {},
      onData: (part, span) => queue.add(part, span),
      onEnd() {},
      onFailed: (failure) => this.failure = failure,
    };
    const fields = { common: [], usual: undefined, others: [] };
    const request = { fields, body: Buffer.alloc(0), isPaced: true };
    this.#stream = this.server.client.request(request, sink);
    this.server.send(head(1));
  }

  /** Sends one frame of at most so many bytes, as far as the windows let it. */
  send(frameBytes: number): void {
    const leftOf = (stream: number) =>
      DEFAULT_WINDOW_BYTES + this.server.creditOf(stream) - this.sentBytes;
    const left = Math.min(leftOf(0), leftOf(1));
    const part = this.#bytes.subarray(this.sentBytes, this.sentBytes + Math.min(frameBytes, left));
    if (part.length === 0) return;
    this.sentBytes += part.length;
    this.server.send(data(1, part));
  }

  /** Begins to wait for a message, if nobody does. */
  take(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.queue.take().then((message) => {
      this.isWaiting = false;
      this.taken.push(message?.length ?? -1);
    });
  }
}

Deno.test("messages of any size come through whole, and no more than a window waits for a slow reader", async () => {
  const property = fc.asyncProperty(
    fc.array(
      fc.oneof(
        { weight: 2, arbitrary: fc.nat(50) },
        { weight: 6, arbitrary: fc.nat(8_000) },
        { weight: 1, arbitrary: fc.nat(MAX_BYTES) },
      ),
      { minLength: 1, maxLength: 40 },
    ),
    fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 100, max: 16_384 })), {
      minLength: 2,
      maxLength: 30,
    }),
    async (sizes, turns) => {
      const bytes = Buffer.concat(sizes.map((size) => envelope(Buffer.alloc(size, 1))));
      const flow = new Flow(bytes);
      using server = flow.server;
      for (let turn = 0; flow.taken.length < sizes.length; turn++) {
        const [takes, frameBytes] = turns[turn % turns.length] ?? [true, 1];
        // Whatever the numbers say, both sides have a turn at times.
        if (takes || turn % 50 === 0) flow.take();
        else flow.send(frameBytes);
        if (turn % 5 === 0) flow.send(frameBytes);
        await server.advance();
        assert(turn < 100_000, "the messages do not come to their end");
        assert.equal(flow.failure, undefined);
        const takenBytes = flow.taken.reduce((sum, size) => sum + size + 5, 0);
        // Only what is waited for may be longer than the window.
        const awaited = flow.isWaiting ? (sizes[flow.taken.length] ?? 0) + 5 : 0;
        assert(flow.sentBytes - takenBytes <= DEFAULT_WINDOW_BYTES + awaited);
      }
      assert.deepEqual(flow.taken, sizes);
      assert.deepEqual(server.faults, []);
    },
  );
  await fc.assert(property, { numRuns: scaled(100, 2_000) });
});
