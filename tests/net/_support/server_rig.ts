// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EDGE } from "../../_support/edge.ts";
import { serve } from "../../../src/net/serve.ts";
import type { ServeOptions } from "../../../src/net/serve.ts";
import type { OracleServer } from "../../../src/net/server.ts";
import { Gate, OracleRig } from "../../_support/oracle_rig.ts";
import { until } from "./until.ts";

/** Calls that wait for the store. */
export interface HeldCalls {
  /** Waits until the first call waits. */
  untilHeld(): Promise<void>;
  /** Lets them go on. */
  open(): void;
}

/** A leading oracle on a manual clock, behind a real port. */
export class ServerRig implements AsyncDisposable {
  readonly node: OracleRig;
  readonly server: OracleServer;

  private constructor(node: OracleRig, server: OracleServer) {
    this.node = node;
    this.server = server;
  }

  /** Starts the oracle as leader of epoch 1, and the server on any port. */
  static async start(options: ServeOptions = {}): Promise<ServerRig> {
    const node = new OracleRig();
    await node.lead(1n);
    return new ServerRig(node, await serve(node.oracle, { port: 0, edge: EDGE, ...options }));
  }

  get port(): number {
    return this.server.port;
  }

  /** A URL on the server. */
  url(path: string, scheme: "http" | "https" = "http"): string {
    return `${scheme}://${this.server.address}${path}`;
  }

  /** Makes the next calls wait until the gate opens. */
  holdCalls(): HeldCalls {
    const { driver } = this.node;
    const persistsBefore = driver.persists.length;
    const gate = new Gate();
    driver.beforePersist = () => gate.pass();
    this.node.outrunWindow();
    return { open: () => gate.open(), untilHeld: () => driver.untilPersists(persistsBefore + 1) };
  }

  /** Waits until so many connections are open. */
  untilConnections(count: number): Promise<void> {
    return until(`${count} connections`, () => this.server.connections === count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close({ graceMs: 0 });
    assert.equal(this.server.connections, 0);
    await this.node.oracle.close();
  }
}
