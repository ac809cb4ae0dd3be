// SPDX-License-Identifier: Apache-2.0

import { grpcGetTs, grpcGrant, grpcStatus, packed } from "../../e2e/_support/grpc_wire.ts";
import { H2Client } from "../../e2e/_support/h2_client.ts";
import type { Caller, Granted, History, RecordedCall } from "./history.ts";

/** A node answered that it grants nothing. */
export class RefusedError extends Error {
  /** The gRPC status. */
  readonly code: number;

  /** Makes the error. */
  constructor(code: number, message: string) {
    super(message);
    this.name = "RefusedError";
    this.code = code;
  }
}

/**
 * Asks one node and no other, whoever leads, with nothing of our client in between. A call has no deadline: it waits
 * in the socket of a paused node for as long as the connection lives.
 */
export class PinnedCaller implements AsyncDisposable {
  readonly #history: History;
  readonly #caller: Caller & { readonly node: number };
  readonly #address: string;
  #connection: H2Client | undefined;
  #closed = false;

  /** Makes a caller of `host:port` that has no connection yet. */
  constructor(history: History, node: number, address: string) {
    this.#history = history;
    this.#caller = { name: `node ${node}`, node };
    this.#address = address;
  }

  /** One call, recorded. @throws {RefusedError} if the node grants nothing; otherwise the connection broke */
  async ask(count = 1): Promise<RecordedCall> {
    const connection = this.#connect();
    return await this.#history.record(this.#caller, () => this.#askOver(connection, count));
  }

  /** Cuts the connection; the calls under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#connection?.[Symbol.asyncDispose]();
  }

  #connect(): H2Client {
    if (this.#closed) throw new TypeError("Cannot ask: the caller was closed");
    const { session } = this.#connection ?? {};
    if (session === undefined || session.closed || session.destroyed) {
      this.#connection = new H2Client(`http://${this.#address}`);
    }
    return this.#connection!;
  }

  async #askOver(connection: H2Client, count: number): Promise<Granted> {
    const answer = await connection.call(grpcGetTs(count));
    const { code, message } = grpcStatus(answer);
    if (code !== 0) throw new RefusedError(code, message);
    const grant = grpcGrant(answer);
    const { epochHi, epochLo } = grant;
    return { firstPacked: packed(grant), count: grant.count, epoch: epochHi << 64n | epochLo };
  }
}
