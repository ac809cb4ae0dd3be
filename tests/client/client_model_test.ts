// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import fc from "fast-check";
import { TsoClientError } from "../../src/client/errors.ts";
import { TimestampRange } from "../../src/client/timestamp_range.ts";
import type { BaseTsoClient } from "../../src/client/tso_client.ts";
import { TsoClient } from "../../src/client/web.ts";
import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { routes } from "../../src/rpc/service.ts";
import { Oracle } from "../../src/server/oracle.ts";
import { HistoryChecker } from "../../src/testing/history_checker.ts";
import { scaled } from "../_support/levels.ts";

/** What one caller does, one call after the other. */
interface Caller {
  readonly client: number;
  readonly calls: readonly { readonly count: number; readonly leaves: boolean }[];
}

/** A run: callers of two clients, and what happens to the server and to the network meanwhile. */
interface Plan {
  readonly maxInFlight: number;
  readonly callers: readonly Caller[];
  /** For each answer in turn, whether it is lost. */
  readonly losses: readonly boolean[];
  /** How often the server loses and regains its leadership. */
  readonly terms: number;
}

const CALLER: fc.Arbitrary<Caller> = fc.record({
  client: fc.nat({ max: 1 }),
  calls: fc.array(
    fc.record({
      count: fc.oneof(
        { arbitrary: fc.constant(1), weight: 4 },
        { arbitrary: fc.integer({ min: 2, max: 262_144 }), weight: 1 },
      ),
      leaves: fc.oneof(
        { arbitrary: fc.constant(false), weight: 5 },
        { arbitrary: fc.constant(true), weight: 1 },
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

const PLAN: fc.Arbitrary<Plan> = fc.record({
  maxInFlight: fc.integer({ min: 1, max: 3 }),
  callers: fc.array(CALLER, { minLength: 1, maxLength: 8 }),
  losses: fc.array(fc.boolean(), { maxLength: 3 }),
  terms: fc.nat({ max: 2 }),
});

/** A server whose requests and answers arrive in the order that the scheduler likes. */
class ScheduledWorld implements AsyncDisposable {
  readonly checker = new HistoryChecker({ rememberAll: true });
  readonly #scheduler: fc.Scheduler;
  readonly #driver = new MemoryDriver();
  readonly #oracle = new Oracle({ driver: this.#driver, heartbeatIntervalMs: 0 });
  readonly #clients: readonly BaseTsoClient[];
  readonly #losses: boolean[];

  constructor(scheduler: fc.Scheduler, plan: Plan) {
    this.#scheduler = scheduler;
    this.#losses = [...plan.losses];
    const { maxInFlight } = plan;
    this.#clients = [0, 1].map(() =>
      new TsoClient({
        endpoints: ["oracle.example:1"],
        maxInFlight,
        retry: { maxAttempts: 1_000, baseBackoffMs: 1 },
        connect: () => ({ transport: this.#transport(), close: () => {} }),
      })
    );
  }

  async run({ callers, terms }: Plan): Promise<void> {
    await this.#oracle.untilServing();
    const work = callers.map((caller) => this.#call(caller));
    work.push(this.#changeLeaders(terms));
    await this.#scheduler.waitFor(Promise.all(work));
    assert.deepEqual(this.checker.violations, []);
    assert.equal(this.checker.openCalls, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.#oracle.close();
  }

  async #changeLeaders(terms: number): Promise<void> {
    for (let term = 0; term < terms; term++) {
      await this.#scheduler.schedule(Promise.resolve(), "step-down");
      this.#driver.announce({ kind: "follower" });
      await this.#scheduler.schedule(Promise.resolve(), "election");
      this.#driver.announce({ kind: "leader", epoch: BigInt(term + 2) });
    }
  }

  #transport(): Transport {
    const inner = createRouterTransport(routes(this.#oracle));
    const unary: Transport["unary"] = async (...call) => {
      await this.#scheduler.schedule(Promise.resolve(), "request");
      const answer = await inner.unary(...call);
      await this.#scheduler.schedule(Promise.resolve(), "answer");
      if (this.#losses.shift()) throw new ConnectError("lost", Code.Unavailable);
      return answer;
    };
    return { unary, stream: inner.stream };
  }

  async #call({ client: index, calls }: Caller): Promise<void> {
    const client = this.#clients[index];
    assert(client !== undefined);
    for (const { count, leaves } of calls) {
      const ticket = this.checker.begin();
      const leave = new AbortController();
      const { signal } = leave;
      const asked = client.getTsBatch(count, leaves ? { signal } : {});
      if (leaves) this.#scheduler.schedule(Promise.resolve(), "leave").then(() => leave.abort());
      const outcome = await asked.catch((error: unknown) => error);
      if (outcome instanceof TimestampRange) this.checker.end(ticket, outcome);
      else this.checker.abandon(ticket);
      if (outcome instanceof TsoClientError) throw outcome;
    }
  }
}

Deno.test("TsoClient keeps uniqueness and real-time order, whatever the order of requests and answers", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), PLAN, async (scheduler, plan) => {
      await using world = new ScheduledWorld(scheduler, plan);
      await world.run(plan);
    }),
    { numRuns: scaled(60, 2_000) },
  );
});
