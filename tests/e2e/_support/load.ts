// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { GetTsResponse } from "../../../src/gen/tsoracle/v1/tso_pb.ts";
import type { HistoryCall } from "../../../src/testing/recorded_history.ts";
import { checkHistory } from "../../../src/testing/recorded_history.ts";
import { within } from "../../_support/server_process.ts";
import type { Dialect } from "./dialects.ts";
import { DIALECTS } from "./dialects.ts";
import type { Send } from "./exchange.ts";
import { packed } from "./grpc_wire.ts";
import { H1Client } from "./h1_client.ts";
import { H2Client } from "./h2_client.ts";

const CALLERS_PER_CONNECTION = 3;
const ANSWER_LIMIT_MS = 60_000;
const COUNTS = [1, 2, 7, 1_000, 262_144] as const;

/** An answered call, and which life of the server answered it. */
export interface LifeCall extends HistoryCall {
  /** Lives are numbered in their order. */
  readonly life: number;
}

/** Callers that ask again and again over several connections, until their connections break. */
export class Load implements AsyncDisposable {
  readonly #life: number;
  readonly #calls: LifeCall[];
  readonly #connections: (AsyncDisposable | Disposable)[] = [];
  readonly #callers: Promise<void>[] = [];
  #answered = 0;
  #waiters: { readonly atLeast: number; readonly resolve: () => void }[] = [];
  readonly #refused = Promise.withResolvers<never>();
  #stopping = false;

  /**
   * Starts to call.
   *
   * @param calls what is answered is added here
   */
  constructor(address: string, life: number, calls: LifeCall[]) {
    this.#life = life;
    this.#calls = calls;
    const origin = `http://${address}`;
    this.#refused.promise.catch(() => {});
    for (const dialect of DIALECTS) {
      const client = dialect.overHttp1 ? new H1Client(origin) : new H2Client(origin);
      this.#connections.push(client);
      for (let caller = 0; caller < CALLERS_PER_CONNECTION; caller++) {
        const calling = this.#run(dialect, (exchange) => client.call(exchange));
        calling.catch((error) => this.#refused.reject(error));
        this.#callers.push(calling);
      }
    }
  }

  /** Answers so far. */
  get answered(): number {
    return this.#answered;
  }

  /**
   * Waits for so many further answers.
   *
   * @throws {Error} if they do not come, or a call is refused
   */
  async more(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const atLeast = this.#answered + count;
    this.#waiters.push({ atLeast, resolve });
    const outcome = Promise.race([promise, this.#refused.promise]);
    await within(outcome, ANSWER_LIMIT_MS, () => `${this.#answered} answers, not ${atLeast}`);
  }

  /** Waits until every caller has noticed that its connection is gone. */
  async broken(): Promise<void> {
    await within(Promise.all(this.#callers), ANSWER_LIMIT_MS, () => "a call did not end");
  }

  /** Lets every caller end after its call. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.broken();
  }

  /** Cuts the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const connection of this.#connections) {
      if (Symbol.asyncDispose in connection) await connection[Symbol.asyncDispose]();
      else connection[Symbol.dispose]();
    }
    await this.broken();
  }

  async #run(dialect: Dialect, send: Send): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) {
      const count = COUNTS[turn % COUNTS.length]!;
      const startMs = performance.now();
      const answer = await send(dialect.request(count)).catch(() => undefined);
      if (answer === undefined) return;
      const meaning = dialect.read(answer);
      assert.ok(meaning.kind === "grant", `refused: ${Deno.inspect(meaning)}`);
      this.#note(meaning.grant, startMs);
    }
  }

  #note(grant: GetTsResponse, startMs: number): void {
    const endMs = performance.now();
    const { count } = grant;
    this.#calls.push({ life: this.#life, startMs, endMs, firstPacked: packed(grant), count });
    this.#answered += 1;
    const due = this.#waiters.filter(({ atLeast }) => atLeast <= this.#answered);
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const { resolve } of due) resolve();
  }
}

/**
 * Checks that nothing was granted twice, that nothing stepped back in real time, and that all of a life is
 * above all of the lives before.
 */
export function checkLives(calls: readonly LifeCall[]): void {
  assert.deepEqual(checkHistory(calls), []);
  let before = -1n;
  for (const life of new Set(calls.map((call) => call.life))) {
    const own = calls.filter((call) => call.life === life);
    const lowest = own.reduce(
      (low, { firstPacked: at }) => at < low ? at : low,
      own[0]!.firstPacked,
    );
    assert.ok(lowest > before, `life ${life} granted ${lowest}, after ${before}`);
    for (const { firstPacked, count } of own) {
      const last = firstPacked + BigInt(count) - 1n;
      if (last > before) before = last;
    }
  }
}
