// SPDX-License-Identifier: Apache-2.0

import type { Server as Listener } from "node:net";
import { getLogger } from "@logtape/logtape";
import { delay } from "@std/async";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import { shuttingDown } from "../rpc/status.ts";
import { formatAddress } from "./address.ts";
import type { Switchboard } from "./switchboard.ts";

const logger = getLogger(["tsoracle", "net"]);

/** How long the answer "server is shutting down" may take to go out, in milliseconds. */
const FLUSH_MS = 500;

/** How long a node that handed over sends callers to its successor before it hangs up, in milliseconds. */
const REDIRECT_MS = 500;

/**
 * How a server ended: closed by `close()`; or by itself, because its oracle failed and could only say no for
 * ever.
 */
export type ServerEnd =
  | { readonly kind: "closed" }
  | {
    readonly kind: "oracle-failed";
    /** What the oracle ended with. */
    readonly error: unknown;
  };

/** Options of {@linkcode OracleServer.close}. */
export interface CloseOptions {
  /**
   * How long calls under way may take, in milliseconds, instead of the time given to `serve`. 0 ends them
   * at once.
   */
  readonly graceMs?: number;
  /**
   * Called once `/readyz` says no, while everything is still answered: hands the leadership over, such as
   * `() => oracle.handOver()`. The server goes on until the promise has settled, and, if that says that a successor is
   * known, for another half a second, so that callers with open connections are sent there.
   */
  readonly handOver?: (() => Promise<boolean>) | undefined;
}

/** A server that listens. */
export interface OracleServer extends AsyncDisposable {
  /** Host name or address that it was told to listen on. */
  readonly hostname: string;
  /** The port that it listens on, also if 0 was asked for. */
  readonly port: number;
  /** `host:port`, with brackets around an IPv6 address. */
  readonly address: string;
  /** Settles once the server has ended and released everything. It never rejects. */
  readonly finished: Promise<ServerEnd>;
  /** Open connections. */
  readonly connections: number;

  /**
   * Shuts down: `/readyz` says no; after the lame-duck time and the hand-over nothing is accepted any more, HTTP/2 clients get
   * GOAWAY and HTTP/1.1 clients `Connection: close`; calls under way finish. After the grace the rest ends
   * with UNAVAILABLE, and half a second later nothing is left. Calling it again returns the same promise.
   *
   * Close the server before its oracle, so that calls under way are still granted.
   */
  close(options?: CloseOptions): Promise<ServerEnd>;
}

/** What a {@linkcode ListeningServer} is made of. */
export interface ListeningServerParts {
  /** The bound listener, which hands its sockets to the switchboard. */
  readonly listener: Listener;
  /** Host name as it was asked for. */
  readonly hostname: string;
  /** The bound port. */
  readonly port: number;
  /** All connections. */
  readonly switchboard: Switchboard;
  /** Ends calls with its reason. */
  readonly shutdown: AbortController;
  /** Called once, at the start of the shutdown. */
  readonly onClosing: () => void;
  /** Called once, when open requests are to finish: what would go on for ever ends now. */
  readonly onDraining: () => void;
  /** Time for calls under way, in milliseconds. */
  readonly graceMs: number;
  /** From not ready to not accepting, in milliseconds. */
  readonly lameDuckMs: number;
}

interface ShutDownOptions extends CloseOptions {
  readonly graceMs: number;
  /** From not ready to not accepting, in milliseconds. */
  readonly lameDuckMs: number;
}

/** The server behind {@linkcode OracleServer}. */
export class ListeningServer implements OracleServer {
  readonly hostname: string;
  readonly port: number;
  readonly finished: Promise<ServerEnd>;
  readonly #parts: ListeningServerParts;
  readonly #end: Deferred<ServerEnd> = deferred<ServerEnd>();
  #closing: Promise<ServerEnd> | undefined;

  /** Takes over a bound listener. */
  constructor(parts: ListeningServerParts) {
    this.#parts = parts;
    this.hostname = parts.hostname;
    this.port = parts.port;
    this.finished = this.#end.promise;
  }

  get address(): string {
    return formatAddress(this.hostname, this.port);
  }

  get connections(): number {
    return this.#parts.switchboard.size;
  }

  close(options: CloseOptions = {}): Promise<ServerEnd> {
    const { graceMs = this.#parts.graceMs, handOver } = options;
    const { lameDuckMs } = this.#parts;
    this.#closing ??= this.#shutDown({ kind: "closed" }, { graceMs, lameDuckMs, handOver });
    return this.#closing;
  }

  /** Closes because the oracle has failed. Balancers need no time: every call is refused already. */
  closeAfterFailure(error: unknown): void {
    if (this.#closing !== undefined) return;
    logger.error("the oracle has failed, the server closes: {error}", { error });
    const { graceMs } = this.#parts;
    this.#closing = this.#shutDown({ kind: "oracle-failed", error }, { graceMs, lameDuckMs: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #shutDown(end: ServerEnd, options: ShutDownOptions): Promise<ServerEnd> {
    const { listener, switchboard, shutdown, onClosing, onDraining } = this.#parts;
    const { graceMs, lameDuckMs, handOver } = options;
    onClosing();
    if (handOver !== undefined) await Promise.all([delay(lameDuckMs), leadAway(handOver)]);
    else if (lameDuckMs > 0) await delay(lameDuckMs);
    const released = new Promise<void>((resolve) => listener.close(() => resolve()));
    switchboard.drain();
    onDraining();
    if (!(await settlesWithin(switchboard.empty(), graceMs))) {
      logger.warn("{connections} connections had calls under way after the grace of {graceMs} ms", {
        connections: switchboard.size,
        graceMs,
      });
      shutdown.abort(shuttingDown());
      switchboard.refuse();
      await settlesWithin(switchboard.empty(), FLUSH_MS);
      switchboard.destroy();
      await switchboard.empty();
    }
    switchboard.close();
    await released;
    this.#end.resolve(end);
    return end;
  }
}

/** Whatever becomes of it, the server closes. */
async function leadAway(handOver: () => Promise<boolean>): Promise<void> {
  try {
    if (await handOver()) await delay(REDIRECT_MS);
  } catch (error) {
    logger.error("the leadership could not be handed over: {error}", { error });
  }
}

async function settlesWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  const settled = new AbortController();
  const late = delay(ms, { signal: settled.signal }).then(() => false, () => true);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    settled.abort();
  }
}
