// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { SystemClock } from "../../src/clock/system_clock.ts";
import { DeadlineQueue } from "../../src/http2/deadline_queue.ts";
import { Connection } from "../../src/net/connection.ts";
import { Exchange } from "../../src/net/exchange.ts";
import { NodeMessage } from "../../src/net/node_message.ts";
import { FaultLog } from "../../src/rpc/fault_log.ts";
import { ioTest } from "../_support/levels.ts";
import { Gate } from "../_support/oracle_rig.ts";
import { RawClient } from "./_support/raw_client.ts";

const WHOLE = /^HTTP\/1\.1 200 [^]*first,[^]*second,[^]*third[^]*\r\n0\r\n\r\n$/;
const HALF_SENT = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf";
/** More than an answer needs from the gate to its head. */
const TURNS = 12;

/** One exchange whose answer comes in parts, behind a gate. */
class SlowExchange implements AsyncDisposable {
  readonly gate = new Gate();
  readonly client: Promise<RawClient>;
  readonly #begun = Promise.withResolvers<Exchange>();
  readonly #waits = new DeadlineQueue(60_000, new SystemClock());
  readonly #server = createServer((request, response) => {
    const waits = { handshake: this.#waits, request: this.#waits, idle: this.#waits };
    const connection = new Connection(request.socket, waits);
    const exchange = new Exchange(new NodeMessage(request, response, connection), connection, {
      front: () => Promise.resolve(this.#answer()),
      waits: this.#waits,
      timeoutMs: 60_000,
      faults: new FaultLog(),
    });
    exchange.start();
    this.#begun.resolve(exchange);
  });

  constructor() {
    const listening = once(this.#server.listen(0, "127.0.0.1"), "listening");
    this.client = listening.then(() =>
      RawClient.connect((this.#server.address() as AddressInfo).port)
    );
  }

  get begun(): Promise<Exchange> {
    return this.#begun.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.client)[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#waits.clear();
  }

  #answer(): UniversalServerResponse {
    return { status: 200, header: new Headers(), body: this.#parts() };
  }

  async *#parts(): AsyncGenerator<Uint8Array> {
    const encoder = new TextEncoder();
    yield encoder.encode("first,");
    await this.gate.pass();
    yield encoder.encode("second,");
    yield encoder.encode("third");
  }
}

ioTest("Exchange.refuse() and an answer that is ready at that moment never mix", async () => {
  for (let turns = 0; turns < TURNS; turns++) {
    await using slow = new SlowExchange();
    const client = await slow.client;
    client.send(HALF_SENT);
    const exchange = await slow.begun;
    slow.gate.open();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    exchange.refuse();
    const text = await client.untilText(/0\r\n\r\n$|shutting down\n/);
    if (text.includes("first")) assert.match(text, WHOLE, `after ${turns} turns`);
    assert.equal(text.includes("first"), !text.includes("shutting down"), `after ${turns} turns`);
  }
});
