// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http2";
import type { LeadershipEvent } from "../../../src/consensus/driver.ts";
import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import type { EdgeName, OracleServer, ServableOracle } from "../../../src/net/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";
import { ManualClock } from "../../../src/testing/mod.ts";
import { H2Client } from "../../net/_support/h2_client.ts";
import type { EdgeCall } from "./edge_calls.ts";
import { EPOCH, NOW_MS, untilHeard } from "./leadership.ts";

/** Options of {@linkcode EdgeWay.start}. */
export interface EdgeWayOptions {
  /** Whether the fast lane is open. */
  readonly hasLane: boolean;
  /**
   * A flaw that is planted: so many timestamps more than were asked for, on the fast lane alone.
   *
   * @default {0}
   */
  readonly surplus?: number;
  /**
   * The leadership of the node.
   *
   * @default {leader of EPOCH}
   */
  readonly initial?: LeadershipEvent;
}

/** All of an answer that any client could look at. */
export interface EdgeAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  /** The body in hexadecimal digits. */
  readonly body: string;
  /** The code of RST_STREAM, 0 if there was none. */
  readonly rstCode: number;
}

/**
 * A server with one of the ways to answer, and a client of it. Its clock stands still, so that servers that have been
 * asked the same answer the same.
 */
export class EdgeWay implements AsyncDisposable {
  /** Calls that the fast lane has granted. */
  fastGrants = 0;
  readonly #oracle: Oracle;
  readonly #server: OracleServer;
  readonly #client: H2Client;

  private constructor(oracle: Oracle, server: OracleServer) {
    this.#oracle = oracle;
    this.#server = server;
    this.#client = new H2Client(`http://${server.address}`);
  }

  /** Starts a server. */
  static async start(edge: EdgeName, options: EdgeWayOptions): Promise<EdgeWay> {
    const { initial = { kind: "leader", epoch: EPOCH } } = options;
    const oracle = new Oracle({
      driver: new MemoryDriver({ initial }),
      clock: new ManualClock({ nowMs: NOW_MS }),
      heartbeatIntervalMs: 0,
    });
    await untilHeard(oracle, initial);
    let way: EdgeWay | undefined = undefined;
    const source = sourceOf(oracle, options, () => {
      if (way !== undefined) way.fastGrants += 1;
    });
    way = new EdgeWay(oracle, await serve(source, { port: 0, edge }));
    return way;
  }

  /** Sends a request, and waits until its stream is closed in whatever way. */
  send({ method, path, headers, parts, trailers }: EdgeCall): Promise<EdgeAnswer> {
    const stream = this.#client.session.request(
      { ":method": method, ":path": path, ...headers },
      { endStream: parts.length === 0, waitForTrailers: trailers !== undefined },
    );
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
    const chunks: Buffer[] = [];
    const answer = { headers: {}, trailers: {} };
    stream.on("response", (fields) => answer.headers = fields);
    stream.on("trailers", (fields) => answer.trailers = fields);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    for (const part of parts) stream.write(part);
    if (parts.length > 0) stream.end();
    return new Promise((resolve) => {
      stream.once("close", () => {
        const { rstCode = 0 } = stream;
        resolve({ ...answer, body: Buffer.concat(chunks).toString("hex"), rstCode });
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#server.close({ graceMs: 0 });
    await this.#oracle.close();
  }
}

/** Fields that depend on which of several right ways was taken. */
const OF_NO_MATTER = new Set(["grpc-encoding", "grpc-accept-encoding", "accept-encoding"]);

/** What matters of an answer: of its date, that it has one which is near. */
export function matters({ headers, trailers, body, rstCode }: EdgeAnswer): unknown {
  const fields = (of: IncomingHttpHeaders) =>
    Object.entries(of).filter(([name]) => !OF_NO_MATTER.has(name))
      .map(([name, value]) => [name, name === "date" ? isNear(`${value}`) : value]).sort();
  return { headers: fields(headers), trailers: fields(trailers), body, rstCode };
}

function isNear(date: string): boolean {
  const ms = Date.parse(date);
  return new Date(ms).toUTCString() === date && Math.abs(Date.now() - ms) < 60_000;
}

/** An oracle as a server sees it, whose fast grants are counted. */
function sourceOf(oracle: Oracle, options: EdgeWayOptions, onFast: () => void): ServableOracle {
  const { hasLane, surplus = 0 } = options;
  return {
    finished: oracle.finished,
    sequences: oracle.sequences,
    leases: oracle.leases,
    get isServing() {
      return oracle.isServing;
    },
    get state() {
      return oracle.state;
    },
    watchState: (watch) => oracle.watchState(watch),
    currentMaxSafe: () => oracle.currentMaxSafe(),
    getTs: (count, call) => oracle.getTs(count, call),
    ...(hasLane && {
      getTsNow(count: number, nowMs?: number) {
        const grant = oracle.getTsNow(count + surplus, nowMs);
        if (grant !== undefined) onFast();
        return grant;
      },
    }),
  };
}
