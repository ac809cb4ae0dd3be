// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Socket } from "node:net";
import { DeadlineQueue } from "../../../src/http2/deadline_queue.ts";
import { Connection } from "../../../src/net/connection.ts";
import { Exchange } from "../../../src/net/exchange.ts";
import { StreamMessage } from "../../../src/net/stream_message.ts";
import { FaultLog } from "../../../src/rpc/fault_log.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { ioTest } from "../../_support/levels.ts";
import { MemoryClient } from "../../http2/_support/memory_client.ts";
import { openStream } from "../_support/h2_frames.ts";

const LIMIT_MS = 500;

ioTest(
  "a request that the lane has waited for in vain is refused at once, without a second wait",
  async () => {
    const waits = new DeadlineQueue(LIMIT_MS, new ManualClock());
    const socket = new Socket();
    const connection = new Connection(socket, { handshake: waits, request: waits, idle: waits });
    using client = MemoryClient.greeted({
      onRequest: (stream) => {
        new Exchange(new StreamMessage(stream, true), connection, {
          front: () => new Promise(() => {}),
          waits,
          timeoutMs: LIMIT_MS,
          faults: new FaultLog(),
        }).start();
      },
    });
    client.send(openStream(1, "/", [["content-type", "application/proto"]]));
    await client.advance();
    assert.match(client.bodyOf(1), /The request was not complete after 500 ms/);
    client.connection.lost();
    waits.clear();
    socket.destroy();
  },
);
