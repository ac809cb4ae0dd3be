// SPDX-License-Identifier: Apache-2.0

import type { Transport } from "@connectrpc/connect";
import { CallDeadlines } from "../../grpc/call_deadlines.ts";
import { CallHeads } from "../../grpc/call_heads.ts";
import { GrpcConnection } from "../../grpc/connection.ts";
import { GrpcTransport } from "../../grpc/grpc_transport.ts";
import type { TlsCertificates } from "../../grpc/tls_certificates.ts";
import { UnheldClock } from "../../grpc/unheld_clock.ts";

/** The largest answer to accept, in bytes: 10,000 sequences have about 1.4 MB. */
const MAX_ANSWER_BYTES = 8_388_608;

/** A silent watch is checked that often. etcd hangs up on who asks more than once in 5 s. */
const KEEP_ALIVE_MS = 10_000;

/**
 * How long a ping may take. A member answers it in one round trip, whatever it is busy with; one that is paused holds up
 * every call under way until then.
 */
const PONG_TIMEOUT_MS = 500;

/** One member of etcd, and the connection to it. */
export class EtcdEndpoint {
  /** Its URL. */
  readonly url: string;
  /** Carries calls. */
  readonly transport: Transport;
  readonly #connection: GrpcConnection;
  readonly #deadlines = new CallDeadlines(new UnheldClock());

  /** Makes an endpoint that is not connected yet. */
  constructor(url: string, tls: TlsCertificates | undefined) {
    this.url = url;
    this.#connection = new GrpcConnection({
      origin: url,
      tls,
      keepAliveMs: KEEP_ALIVE_MS,
      pongTimeoutMs: PONG_TIMEOUT_MS,
    });
    this.transport = new GrpcTransport({
      connection: this.#connection,
      heads: new CallHeads(url),
      deadlines: this.#deadlines,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
  }

  /**
   * Connects, unless there is a connection that lives.
   *
   * @param signal fires when nobody waits for it any more
   */
  async dial(signal: AbortSignal): Promise<void> {
    await this.#connection.dial(signal);
  }

  /** Ends the connection soon if the member is gone or paused. Streams on it then fail. */
  async probe(): Promise<void> {
    await this.#connection.probe();
  }

  /** Ends the connection for good. */
  close(): void {
    this.#connection.close();
    this.#deadlines.clear();
  }
}
