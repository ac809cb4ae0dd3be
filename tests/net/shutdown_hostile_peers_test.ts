// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ioTest } from "../_support/levels.ts";
import {
  FLAG,
  framesOf,
  hello,
  initialWindow,
  openStream,
  settingsAck,
  TYPE,
} from "./_support/h2_frames.ts";
import { openCall, wholeCall } from "./_support/hostile_peers.ts";
import { RawClient } from "./_support/raw_client.ts";
import { ServerRig } from "./_support/server_rig.ts";
import { soon, until } from "./_support/until.ts";

const HOUR_MS = 3_600_000;
const WATCH = "/grpc.health.v1.Health/Watch";
const CONNECT_JSON: [string, string][] = [["content-type", "application/connect+json"]];
/** Says goodbye for the connection, whatever streams there are. */
const ALL_STREAMS = 0x7fff_ffff;

/** The parts of a connection that its client leaves half done, with nothing that it waits for. */
const HALF_DONE: Readonly<Record<string, Buffer>> = {
  "half the head of a frame": openCall(0).subarray(0, 5),
  "half a frame": openCall(0).subarray(0, 20),
  "half a header block": openCall(0).fill(0, 4, 5),
};

/** What a client may leave open for as long as it is let, and whether there is still something to tell it in the end. */
const LEFT_OPEN: Readonly<Record<string, readonly [Buffer, boolean]>> = {
  "an answer that waits for a window of 0": [
    Buffer.concat([initialWindow(0), wholeCall(1)]),
    false,
  ],
  "an answer of which half is out": [Buffer.concat([initialWindow(5), wholeCall(1)]), false],
  "half a request": [openCall(1), true],
  "half a frame of a request": [wholeCall(1).subarray(0, -3), true],
  "half a request to a stream": [openStream(3, WATCH, CONNECT_JSON), true],
};

/** A client that has said hello, and answers nothing from then on. */
async function greet(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.send(Buffer.concat([hello(), settingsAck()]));
  await until("the settings", () => typesOf(client).filter((t) => t === TYPE.settings).length > 1);
  return client;
}

function typesOf(client: RawClient): readonly number[] {
  return framesOf(client.received).map(({ type }) => type);
}

/** The last streams of the goodbyes. */
function lastStreams(client: RawClient): readonly number[] {
  return framesOf(client.received).filter(({ type }) => type === TYPE.goaway)
    .map(({ payload }) => payload.readUInt32BE());
}

/** Nothing came in part. */
function assertWhole({ received }: RawClient): void {
  const bytes = framesOf(received).reduce((sum, { payload }) => sum + 9 + payload.length, 0);
  assert.equal(bytes, received.length);
}

for (const [what, bytes] of Object.entries(HALF_DONE)) {
  ioTest(`close() does not wait for a client that sent ${what}`, async () => {
    const limits = { requestTimeoutMs: HOUR_MS, handshakeTimeoutMs: HOUR_MS };
    await using rig = await ServerRig.start({ edge: "http2", shutdownGraceMs: HOUR_MS, limits });
    await using client = await greet(rig.port);
    client.send(bytes);
    assert.deepEqual(await soon("the close", rig.server.close()), { kind: "closed" });
    await client.untilClosed();
    assert.deepEqual(lastStreams(client), [ALL_STREAMS, 0]);
    assertWhole(client);
  });
}

for (const [what, [bytes, isTold]] of Object.entries(LEFT_OPEN)) {
  ioTest(`close() ends ${what} after its grace`, async () => {
    const limits = { requestTimeoutMs: HOUR_MS };
    await using rig = await ServerRig.start({ edge: "http2", shutdownGraceMs: 50, limits });
    await using client = await greet(rig.port);
    client.send(Buffer.concat([wholeCall(0), bytes]));
    await until("an answer", () => typesOf(client).includes(TYPE.data));
    await soon("the close", rig.server.close());
    await client.untilClosed();
    assert.equal(lastStreams(client)[0], ALL_STREAMS);
    assertWhole(client);
    const ends = framesOf(client.received).filter(({ flags }) => (flags & FLAG.endStream) !== 0);
    const told = ends.filter(({ type }) => type === TYPE.data || type === TYPE.headers);
    assert.deepEqual(told.map(({ stream }) => stream), isTold ? [1, 3] : [1]);
  });
}
