// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { settle } from "../../../src/testing/manual_clock.ts";
import type { StubRequest } from "./stub_source.ts";
import { CoalescerRig } from "./stub_source.ts";

/** One step of a random run. */
export type FreshnessStep =
  | { readonly kind: "ask"; readonly count: number }
  | { readonly kind: "ask-with-signal"; readonly count: number }
  | { readonly kind: "abort"; readonly pick: number }
  | { readonly kind: "answer"; readonly pick: number }
  | { readonly kind: "fail"; readonly pick: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "turn" };

/** A call as its caller saw it; moments are counted, so that any two differ. */
interface Call {
  readonly count: number;
  readonly begunAt: number;
  readonly order: number;
  abort: AbortController | undefined;
  endedAt?: number;
  /** First value: the index of the request times the size of a millisecond, plus the place in it. */
  first?: number;
  failed?: boolean;
}

const SIZE = 262_144;

/**
 * A coalescer under random callers. The server grants in the moment in which a request arrives, which is the
 * earliest that it can, and its answer takes as long as the run likes: what was kept or granted before a
 * caller asked would show.
 */
export class FreshnessModel {
  readonly #rig: CoalescerRig;
  readonly #maxInFlight: number;
  readonly #calls: Call[] = [];
  readonly #work: Promise<void>[] = [];
  readonly #arrivedAt = new Map<StubRequest, number>();
  readonly #open = new Set<StubRequest>();
  #now = 0;

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight;
    this.#rig = new CoalescerRig({ maxInFlight, maxQueued: 50, timeoutMs: 1_000 });
    this.#rig.source.onRequest = (request) => this.#arrive(request);
  }

  async run(steps: readonly FreshnessStep[]): Promise<void> {
    for (const step of steps) {
      await this.#take(step);
      assert.ok(this.#rig.coalescer.inFlight <= this.#maxInFlight, "too many batches under way");
    }
    await this.#finish();
    this.#check();
  }

  #arrive(request: StubRequest): void {
    this.#arrivedAt.set(request, this.#now++);
    this.#open.add(request);
    request.answer.then(() => this.#open.delete(request), () => this.#open.delete(request));
  }

  async #take(step: FreshnessStep): Promise<void> {
    if (step.kind === "ask") this.#ask(step.count, undefined);
    else if (step.kind === "ask-with-signal") this.#ask(step.count, new AbortController());
    else if (step.kind === "abort") pick(this.#waiting(), step.pick)?.abort?.abort();
    else if (step.kind === "answer") this.#answer(pick([...this.#open], step.pick));
    else if (step.kind === "fail") pick([...this.#open], step.pick)?.fail(new Error("lost"));
    else if (step.kind === "advance") await this.#rig.clock.advance(step.ms);
    else await settle();
  }

  #waiting(): readonly Call[] {
    return this.#calls.filter(({ endedAt, abort }) => endedAt === undefined && abort !== undefined);
  }

  #answer(request: StubRequest | undefined): void {
    request?.grant(this.#rig.source.requests.indexOf(request));
  }

  #ask(count: number, abort: AbortController | undefined): void {
    const call: Call = { count, begunAt: this.#now++, order: this.#calls.length, abort };
    this.#calls.push(call);
    this.#work.push(this.#wait(call));
  }

  async #wait(call: Call): Promise<void> {
    const { coalescer } = this.#rig;
    const { count, abort } = call;
    try {
      if (abort === undefined) {
        const batch = coalescer.join(count);
        const offset = batch.count - count;
        call.first = (await batch.answer).physicalMs * SIZE + offset;
      } else {
        const { block, offset } = await coalescer.take(count, { signal: abort.signal });
        call.first = block.physicalMs * SIZE + offset;
      }
    } catch {
      call.failed = true;
    }
    call.endedAt = this.#now++;
  }

  /** Answers all that is left. Everybody then has an outcome. */
  async #finish(): Promise<void> {
    for (let round = 0; round < 1_000; round++) {
      await settle();
      if (this.#open.size === 0) break;
      for (const request of [...this.#open]) this.#answer(request);
    }
    await Promise.all(this.#work);
    assert.equal(this.#rig.coalescer.queued, 0);
    assert.equal(this.#rig.coalescer.inFlight, 0);
  }

  #check(): void {
    for (const { count } of this.#rig.source.requests) assert.ok(count <= SIZE, `${count} at once`);
    const answered = this.#calls.filter((call) => call.first !== undefined)
      .sort((a, b) => (a.first ?? 0) - (b.first ?? 0));
    let end = 0;
    for (const { first = 0, count, begunAt } of answered) {
      assert.ok(first >= end, "two callers share a timestamp");
      end = first + count;
      const request = this.#rig.source.request(Math.floor(first / SIZE));
      const place = first % SIZE;
      assert.ok(place + count <= request.count, "a place beyond the answer");
      const issuedAt = this.#arrivedAt.get(request) ?? -1;
      assert.ok(issuedAt > begunAt, "a timestamp was issued before its caller asked");
    }
    const orders = answered.map(({ order }) => order);
    assert.deepEqual(orders, orders.toSorted((a, b) => a - b), "somebody was passed");
    assert.ok(this.#calls.every(({ endedAt }) => endedAt !== undefined));
  }
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from[index % Math.max(1, from.length)];
}
