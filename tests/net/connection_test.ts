// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Socket } from "node:net";
import { DeadlineQueue } from "../../src/http2/deadline_queue.ts";
import { Connection } from "../../src/net/connection.ts";
import type { Http2Session } from "../../src/net/connection.ts";
import { ManualClock } from "../../src/testing/manual_clock.ts";

const IDLE_MS = 1_000;

Deno.test("a connection does not idle while its session answers by itself", async () => {
  const clock = new ManualClock();
  const idle = new DeadlineQueue(IDLE_MS, clock);
  const request = new DeadlineQueue(60_000, clock);
  let goodbyes = 0;
  const session: Http2Session & { answered: number } = {
    destroyed: false,
    answered: 3,
    close: () => goodbyes++,
    destroy: () => {},
    ping: () => {},
  };
  const socket = new Socket();
  const connection = new Connection(socket, { handshake: request, request, idle });
  connection.becomeHttp2(socket, session);
  for (let i = 0; i < 3; i++) {
    session.answered += 1;
    await clock.advance(IDLE_MS);
    assert.equal(goodbyes, 0);
  }
  await clock.advance(IDLE_MS);
  assert.equal(goodbyes, 1);
  idle.clear();
  request.clear();
  socket.destroy();
});
