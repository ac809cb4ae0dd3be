// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import { DeadlineQueue } from "../../../src/http2/deadline_queue.ts";
import { Connection } from "../../../src/net/connection.ts";
import { DateStamp } from "../../../src/net/date_stamp.ts";
import { Exchange } from "../../../src/net/exchange.ts";
import { StreamMessage } from "../../../src/net/stream_message.ts";
import { FaultLog } from "../../../src/rpc/fault_log.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { ioTest } from "../../_support/levels.ts";
import { MemoryClient } from "../../http2/_support/memory_client.ts";
import { frame, framesOf, hello, openStream, TYPE } from "../_support/h2_frames.ts";
import { RawClient } from "../_support/raw_client.ts";
import { ServerRig } from "../_support/server_rig.ts";
import { until } from "../_support/until.ts";

const LIMIT_MS = 500;

ioTest(
  "a request that the lane has waited for in vain is refused at once, without a second wait",
  async () => {
    const clock = new ManualClock();
    const waits = new DeadlineQueue(LIMIT_MS, clock);
    const dates = new DateStamp(clock);
    const socket = new Socket();
    const connection = new Connection(socket, { handshake: waits, request: waits, idle: waits });
    using client = MemoryClient.greeted({
      onRequest: (stream) => {
        new Exchange(new StreamMessage(stream, { isLate: true, dates }), connection, {
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

ioTest(
  "a request that is not whole when the server ends is answered with UNAVAILABLE, as without the lane",
  async () => {
    await using rig = await ServerRig.start({ edge: "http2" });
    await using client = await RawClient.connect(rig.port);
    client.send(Buffer.concat([
      hello(),
      openStream(1, "/tsoracle.v1.TsoService/GetTs", [["content-type", "application/proto"]]),
    ]));
    client.send(frame(TYPE.ping, 0, 0, Buffer.alloc(8)));
    const isRead = () => framesOf(client.received).some(({ type }) => type === TYPE.ping);
    await until("an answer to the PING behind it", isRead);
    await rig.server.close({ graceMs: 100 });
    assert.match(await client.untilClosed(), /server is shutting down/);
  },
);
