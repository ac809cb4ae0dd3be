// SPDX-License-Identifier: Apache-2.0

import type { Server as Http1Server } from "node:http";
import type { Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import { getLogger } from "@logtape/logtape";
import { SystemClock } from "../clock/system_clock.ts";
import { deferred } from "../core/deferred.ts";
import type { Deferred } from "../core/deferred.ts";
import { FaultLog } from "../rpc/fault_log.ts";
import { QuietPeriod } from "../rpc/quiet_period.ts";
import { Carriers } from "./carriers.ts";
import { Connection } from "./connection.ts";
import { DeadlineQueue } from "../http2/deadline_queue.ts";
import type { Edge, EdgeName } from "./edge.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeOptions } from "./exchange.ts";
import type { InstantSource } from "./fast_lane/instant_source.ts";
import type { Front } from "./front.ts";
import type { Limits } from "./limits.ts";
import type { Message } from "./message.ts";
import { NodeEdge } from "./node_edge.ts";
import { NodeMessage } from "./node_message.ts";
import { OwnEdge } from "./own_edge.ts";
import { createUnboundHttp1, createUnboundTls } from "./protocol_servers.ts";
import { releaseOnClose } from "./release_socket.ts";
import { sniffProtocol } from "./sniffer.ts";
import type { Protocol } from "./sniffer.ts";
import type { TlsOptions } from "./tls.ts";
import { Turnstile } from "./turnstile.ts";

const logger = getLogger(["tsoracle", "net"]);

/**
 * How long a client may take to have heard of a goodbye, in milliseconds: more than a round trip around the Earth. Who
 * sleeps, or is gone without a word, does not hold up a stop for more than twice as long.
 */
const FAREWELL_MS = 1_000;

/** What a switchboard works with. */
export interface SwitchboardOptions {
  /** Answers the requests. */
  readonly front: Front;
  /** What a client may cost. */
  readonly limits: Limits;
  /** Serves TLS if present. */
  readonly tls?: TlsOptions | undefined;
  /** Who speaks HTTP/2. */
  readonly edge: EdgeName;
  /** Grants for the fast lane of our own HTTP/2. Absent: there is none. */
  readonly instant?: InstantSource | undefined;
}

/**
 * Takes accepted sockets, finds what each of them speaks, connects it to the server of that protocol, and
 * keeps account of all of them until they are closed.
 */
export class Switchboard {
  readonly #limits: Limits;
  readonly #waits: Record<"handshake" | "request" | "idle" | "farewell", DeadlineQueue>;
  readonly #http1: Http1Server;
  readonly #edge: Edge;
  readonly #tls: TlsServer | undefined;
  readonly #exchange: ExchangeOptions;
  readonly #connections = new Set<Connection>();
  /** By remote address, which no two open connections of a port share: what TLS keeps of a socket. */
  readonly #byPeer = new Map<string, Connection>();
  readonly #carriers = new Carriers();
  readonly #turnstile = new Turnstile();
  readonly #quiet = new QuietPeriod();
  #emptied: Deferred<void> = deferred<void>();

  /** Makes a switchboard without connections. */
  constructor(options: SwitchboardOptions) {
    const { front, limits, tls, edge, instant } = options;
    this.#limits = limits;
    const clock = new SystemClock();
    this.#waits = {
      handshake: new DeadlineQueue(limits.handshakeTimeoutMs, clock),
      request: new DeadlineQueue(limits.requestTimeoutMs, clock),
      idle: new DeadlineQueue(limits.idleTimeoutMs, clock),
      farewell: new DeadlineQueue(FAREWELL_MS, clock),
    };
    this.#exchange = {
      front,
      waits: this.#waits.request,
      timeoutMs: limits.requestTimeoutMs,
      faults: new FaultLog(),
    };
    this.#http1 = createUnboundHttp1(limits, (request, response) => {
      const connection = this.#carriers.find(request.socket);
      if (connection === undefined) return void response.destroy();
      this.#onMessage(new NodeMessage(request, response, connection), connection);
    });
    const onMessage = (message: Message, connection: Connection) => {
      this.#onMessage(message, connection);
    };
    const { handshake, request, farewell } = this.#waits;
    const deadlines = { handshake, stall: request, farewell };
    this.#edge = edge === "http2"
      ? new OwnEdge({ limits, onMessage, clock, deadlines, instant })
      : new NodeEdge({ limits, onMessage });
    if (tls !== undefined) {
      this.#tls = createUnboundTls(tls, (socket) => {
        socket.on("error", ignore);
        const connection = this.#byPeer.get(peerOf(socket));
        if (connection === undefined) return void socket.destroy();
        this.#start(socket, connection, socket.alpnProtocol === "h2" ? "http2" : "http1");
      });
    }
  }

  /** Open connections, those included that are still shaking hands. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes a socket that was just accepted. */
  accept(raw: Socket): void {
    // A reset may come at any time; without a listener it would end the process.
    raw.on("error", ignore);
    releaseOnClose(raw);
    if (this.#connections.size >= this.#limits.connections) return this.#turnAway(raw);
    const connection = new Connection(raw, this.#waits);
    const peer = peerOf(raw);
    this.#connections.add(connection);
    this.#byPeer.set(peer, connection);
    raw.once("close", () => {
      this.#connections.delete(connection);
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
      if (this.#connections.size > 0) return;
      this.#emptied.resolve();
      this.#emptied = deferred();
    });
    if (this.#tls !== undefined) this.#tls.emit("connection", raw);
    else sniffProtocol(raw, (protocol) => this.#start(raw, connection, protocol));
  }

  /** Lets open requests finish and takes no others. */
  drain(): void {
    for (const connection of this.#connections) connection.drain();
  }

  /** Answers the open requests whose body has not come with UNAVAILABLE. */
  refuse(): void {
    for (const connection of this.#connections) connection.refuse();
  }

  /** Ends all connections now. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    while (this.#connections.size > 0) await this.#emptied.promise;
  }

  /** Releases what is left when no connection is open. */
  close(): void {
    this.#turnstile.clear();
    for (const queue of Object.values(this.#waits)) queue.clear();
    this.#http1.removeAllListeners();
    this.#edge.close();
    this.#tls?.removeAllListeners();
  }

  #start(socket: Socket, connection: Connection, protocol: Protocol): void {
    if (connection.isDraining) return connection.destroy();
    if (protocol === "http1") {
      this.#carriers.note(socket, connection);
      connection.becomeHttp1(socket);
      this.#http1.emit("connection", socket);
      return;
    }
    const session = this.#edge.start(socket, connection);
    if (session === undefined) return connection.destroy();
    connection.becomeHttp2(socket, session);
  }

  #onMessage(message: Message, connection: Connection): void {
    this.#turnstile.enter(new Exchange(message, connection, this.#exchange));
  }

  #turnAway(raw: Socket): void {
    raw.destroy();
    const unreported = this.#quiet.admit();
    if (unreported === undefined) return;
    logger.warn(
      "a connection was closed, as {connections} are open: raise the limit or find out why",
      {
        connections: this.#connections.size,
        unreported,
      },
    );
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function ignore(): void {}
