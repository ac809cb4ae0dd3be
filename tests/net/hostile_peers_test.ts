// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ioTest, scaled } from "../_support/levels.ts";
import { ChildServer } from "./_support/child_server.ts";
import {
  FLAG,
  framesOf,
  H2_ERROR,
  hello,
  PREFACE,
  settingsAck,
  TYPE,
} from "./_support/h2_frames.ts";
import { grpcGetTs, H2Client } from "./_support/h2_client.ts";
import { crumbs, FLOODS, HOLDERS, openCall, wholeCall } from "./_support/hostile_peers.ts";
import { RawClient } from "./_support/raw_client.ts";
import { until } from "./_support/until.ts";

/** How much larger the heap may be after an attack, in bytes: what a busy process keeps for the next time. */
const SLACK_BYTES = 5_000_000;

/** Codes of the GOAWAY frames that a client was sent. */
function goaways({ received }: RawClient): readonly number[] {
  const frames = framesOf(received).filter(({ type }) => type === TYPE.goaway);
  return frames.map(({ payload }) => payload.readUInt32BE(4));
}

/** Lets a client that is not hostile call until the work is done, and checks that it is answered all the time. */
async function whileOthersCall(port: number, work: () => Promise<void>): Promise<void> {
  await using client = new H2Client(`http://127.0.0.1:${port}`);
  let isDone = false;
  const working = work().finally(() => isDone = true);
  // If it fails during a call, it is told below and not as an error that nobody caught.
  working.catch(() => {});
  do {
    assert.equal((await client.call(grpcGetTs())).trailers["grpc-status"], "0");
  } while (!isDone);
  await working;
}

/** Runs an attack again and again, and checks that others are served and nothing is left of it. */
async function survives(attack: (port: number) => Promise<void>, times = 3): Promise<void> {
  await using server = await ChildServer.start({ edge: "http2" });
  const { port } = server;
  await whileOthersCall(port, () => attack(port));
  const before = await settled(server);
  for (let i = 0; i < times; i++) await whileOthersCall(port, () => attack(port));
  const after = await settled(server);
  assert(after - before < SLACK_BYTES, `the heap grew by ${after - before} bytes`);
}

/** The heap of a server without connections, in bytes. */
async function settled(server: ChildServer): Promise<number> {
  let costs = await server.costs();
  for (let looks = 0; costs.connections > 0 && looks < 1_000; looks++) costs = await server.costs();
  assert.equal(costs.connections, 0);
  return costs.heapBytes;
}

ioTest(
  "serve() ends each flood with ENHANCE_YOUR_CALM, answers others and keeps nothing",
  async () => {
    await survives(async (port) => {
      for (const [name, attack] of FLOODS) {
        await using client = await RawClient.connect(port);
        client.send(Buffer.concat([hello(), settingsAck(), attack()]));
        await until(`a goodbye to ${name}`, () => goaways(client).length > 0);
        assert.deepEqual(goaways(client), [H2_ERROR.calm], name);
      }
    }, scaled(2, 20));
  },
);

ioTest(
  "serve() keeps nothing of connections that held what they could and were killed",
  async () => {
    await survives(async (port) => {
      const clients: RawClient[] = [];
      for (let i = 0; i < scaled(3, 20); i++) {
        for (const [, bytes] of HOLDERS) {
          const client = await RawClient.connect(port);
          client.send(bytes());
          clients.push(client);
        }
      }
      await Promise.all(clients.map((client) => client.untilText(/./s)));
      for (const client of clients) client.reset();
      await Promise.all(clients.map((client) => client.untilClosed()));
    }, scaled(2, 20));
  },
);

ioTest("serve() holds idle connections up to its limit, and closes what is more", async () => {
  await survives(async (port) => {
    const clients: RawClient[] = [];
    const limit = 1_000;
    for (let i = 0; i < limit + 20; i++) clients.push(await RawClient.connect(port));
    for (const client of clients) client.send(Buffer.concat([hello(), settingsAck()]));
    const refused = clients.slice(limit);
    await Promise.all(refused.map((client) => client.untilClosed()));
    await clients[0]?.untilText(/./s);
    for (const client of clients) client.reset();
    await Promise.all(clients.map((client) => client.untilClosed()));
  }, scaled(1, 5));
});

ioTest("serve() answers a client that sends one byte at a time, and others meanwhile", async () => {
  await survives(async (port) => {
    await using client = await RawClient.connect(port);
    for (const byte of Buffer.concat([hello(), settingsAck(), wholeCall(0)])) {
      client.send(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const heads = () => framesOf(client.received).filter(({ type }) => type === TYPE.headers);
    await until("head and trailers", () => heads().length === 2);
    assert.deepEqual(goaways(client), []);
  }, 1);
});

ioTest(
  "serve() takes a large body in frames of one byte at once, and answers others meanwhile",
  async () => {
    await survives(async (port) => {
      await using client = await RawClient.connect(port);
      client.send(Buffer.concat([hello(), settingsAck(), openCall(0), crumbs(60_000)]));
      const heads = () => framesOf(client.received).filter(({ type }) => type === TYPE.headers);
      await until("an answer", () => heads().some(({ flags }) => (flags & FLAG.endStream) !== 0));
      assert.deepEqual(goaways(client), []);
    }, 1);
  },
);

ioTest(
  "serve() answers garbage before, within and after the preface with PROTOCOL_ERROR",
  async () => {
    await survives(async (port) => {
      const garbage = Buffer.from("garbage\r\n\r\n");
      for (
        const parts of [
          [garbage, hello()],
          [PREFACE.subarray(0, 20), garbage],
          [PREFACE, Buffer.alloc(9), garbage],
        ]
      ) {
        await using client = await RawClient.connect(port);
        client.send(Buffer.concat(parts));
        await client.untilClosed();
        assert.deepEqual(goaways(client), [H2_ERROR.protocol]);
      }
    }, 1);
  },
);
