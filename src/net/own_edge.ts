// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import type { Clock } from "../core/clock.ts";
import type { Connection as Http2Connection } from "../http2/connection.ts";
import type { ConnectionDeadlines } from "../http2/connection_parts.ts";
import { overSocket } from "../http2/node/socket_transport.ts";
import { serveConnection } from "../http2/server_connection.ts";
import type { RequestTaker } from "../http2/server_streams.ts";
import type { Stream } from "../http2/stream.ts";
import type { Connection, Http2Session } from "./connection.ts";
import { DateStamp } from "./date_stamp.ts";
import type { Edge, EdgeOptions } from "./edge.ts";
import { meetExpectation } from "./expectation.ts";
import { AnswerBook } from "./fast_lane/answer_book.ts";
import { FastLane } from "./fast_lane/fast_lane.ts";
import { LaneDesk } from "./fast_lane/lane_desk.ts";
import type { InstantSource } from "./fast_lane/instant_source.ts";
import { StreamMessage } from "./stream_message.ts";

const logger = getLogger(["tsoracle", "net"]);

/** What our own edge also works with. */
export interface OwnEdgeOptions extends EdgeOptions {
  /** Time. */
  readonly clock: Clock;
  /** The timers of all connections. */
  readonly deadlines: ConnectionDeadlines;
  /** Grants for the fast lane. Absent: there is none. */
  readonly instant: InstantSource | undefined;
}

/** HTTP/2 by the implementation of this package. */
export class OwnEdge implements Edge {
  readonly #options: OwnEdgeOptions;
  readonly #dates: DateStamp;
  readonly #desk: LaneDesk | undefined;
  readonly #onReadEnd = () => this.#desk?.onReadEnd();

  /** Makes an edge without connections. */
  constructor(options: OwnEdgeOptions) {
    this.#options = options;
    this.#dates = new DateStamp(options.clock);
    const { instant: source, deadlines: { stall: waits } } = options;
    const answers = new AnswerBook(this.#dates);
    this.#desk = source && new LaneDesk({ source, answers, waits });
  }

  start(socket: Socket, connection: Connection): Http2Session {
    const { limits, clock, deadlines } = this.#options;
    const giveUp = (stream: Stream, isLate: boolean) =>
      this.#takeSlowly(stream, connection, isLate);
    const slowLane: RequestTaker = { onRequest: (stream) => giveUp(stream, false) };
    const lane = this.#desk && new FastLane({ desk: this.#desk, giveUp });
    const http2 = overSocket(socket, (transport) =>
      serveConnection({
        ...{ transport, clock, deadlines },
        limits: { streams: limits.streamsPerConnection, headerBytes: limits.headerBytes },
        route: (head) => lane?.route(head) ?? slowLane,
        onReadEnd: this.#onReadEnd,
        onFault: (error) => logger.error("an HTTP/2 connection failed: {error}", { error }),
      }));
    return new OwnSession(http2, lane);
  }

  close(): void {}

  #takeSlowly(stream: Stream, connection: Connection, isLate: boolean): void {
    const dates = this.#dates;
    if (meetExpectation(stream, dates)) {
      this.#options.onMessage(new StreamMessage(stream, { isLate, dates }), connection);
    }
  }
}

/** What a connection of ours does with our HTTP/2. */
class OwnSession implements Http2Session {
  readonly #http2: Http2Connection;
  readonly #lane: FastLane | undefined;

  constructor(http2: Http2Connection, lane: FastLane | undefined) {
    this.#http2 = http2;
    this.#lane = lane;
  }

  get destroyed(): boolean {
    return this.#http2.isOver;
  }

  get answered(): number {
    return this.#lane?.answered ?? 0;
  }

  close(): void {
    this.#lane?.leaveAll();
    this.#http2.drain();
  }

  destroy(): void {
    this.#http2.destroy();
  }

  ping(onAck: () => void): void {
    this.#http2.ping(onAck);
  }
}
