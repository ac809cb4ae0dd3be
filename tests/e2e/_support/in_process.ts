// SPDX-License-Identifier: Apache-2.0

import { EDGE } from "../../_support/edge.ts";
import type { LeadershipEvent } from "../../../src/consensus/driver.ts";
import { MemoryDriver } from "../../../src/drivers/memory/mod.ts";
import type { ServeOptions } from "../../../src/net/mod.ts";
import { serve } from "../../../src/net/mod.ts";
import { Oracle } from "../../../src/server/mod.ts";
import { ManualClock } from "../../../src/testing/mod.ts";
import { EPOCH, NOW_MS, untilHeard } from "./leadership.ts";

export { EPOCH, FOLLOWER, NOW_MS, UNKNOWN, untilHeard } from "./leadership.ts";

/** What the follower's hint is on the wire. */
export const HINT_HEX = "0a0e31302e302e302e373a35303535311202102a";

/** A server in this process, on a clock that stands still. */
export interface InProcessServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** The oracle behind it. */
  readonly oracle: Oracle;
}

/** Options of {@linkcode startInProcess}. */
export interface InProcessOptions extends Omit<ServeOptions, "hostname" | "port"> {
  /**
   * The leadership of the node.
   *
   * @default {leader of EPOCH}
   */
  readonly initial?: LeadershipEvent;
}

/** Starts a server on a free port and waits until it has heard from its driver. */
export async function startInProcess(options: InProcessOptions = {}): Promise<InProcessServer> {
  const { initial = { kind: "leader", epoch: EPOCH }, ...serveOptions } = options;
  const oracle = new Oracle({
    driver: new MemoryDriver({ initial }),
    clock: new ManualClock({ nowMs: NOW_MS }),
    heartbeatIntervalMs: 0,
  });
  await untilHeard(oracle, initial);
  const server = await serve(oracle, {
    edge: EDGE,
    ...serveOptions,
    hostname: "127.0.0.1",
    port: 0,
  });
  return {
    address: `127.0.0.1:${server.port}`,
    oracle,
    async [Symbol.asyncDispose]() {
      await server.close();
      await oracle.close();
    },
  };
}
