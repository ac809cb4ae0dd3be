// SPDX-License-Identifier: Apache-2.0

import type { TimestampSource } from "../../../src/client/batching/coalescer.ts";
import { Coalescer } from "../../../src/client/batching/coalescer.ts";
import type { CoalescerOptions } from "../../../src/client/batching/coalescer.ts";
import type { BatchGrant, CallContext } from "../../../src/client/grants.ts";
import type {
  ClientCounterName,
  ClientGaugeName,
  ClientMetrics,
} from "../../../src/client/metrics.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

/** A request that the test answers. */
export class StubRequest {
  readonly count: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly #answer = Promise.withResolvers<BatchGrant>();

  /** Says that an attempt has failed, and that there will be another. */
  readonly reportFault: (error: unknown) => void;

  constructor(count: number, { signal, timeoutMs, onFault }: CallContext) {
    this.count = count;
    this.reportFault = (error) => onFault?.(error);
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.answer.catch(() => {});
    signal.addEventListener("abort", () => this.fail(signal.reason), { once: true });
  }

  get answer(): Promise<BatchGrant> {
    return this.#answer.promise;
  }

  /** Grants from the given millisecond on. */
  grant(physicalMs: number, change: Partial<BatchGrant> = {}): void {
    this.#answer.resolve({ physicalMs, logicalStart: 0, count: this.count, epoch: 1n, ...change });
  }

  fail(error: unknown): void {
    this.#answer.reject(error);
  }
}

/** A leader that answers when the test says so. */
export class StubSource implements TimestampSource {
  readonly requests: StubRequest[] = [];
  /** Runs when a request arrives. */
  onRequest: ((request: StubRequest) => void) | undefined;

  getTs(count: number, call: CallContext): Promise<BatchGrant> {
    const request = new StubRequest(count, call);
    this.requests.push(request);
    this.onRequest?.(request);
    return request.answer;
  }

  /** What each request so far asked for. */
  get counts(): number[] {
    return this.requests.map(({ count }) => count);
  }

  /** The request at an index; fails the test if there is none. */
  request(index: number): StubRequest {
    const request = this.requests[index];
    if (request === undefined) throw new Error(`there are ${this.requests.length} requests`);
    return request;
  }
}

/** Remembers what a client reports. */
export class RecordingClientMetrics implements ClientMetrics {
  readonly counts = new Map<ClientCounterName, number>();
  readonly gauges: [ClientGaugeName, number][] = [];

  count(name: ClientCounterName, by: number): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }

  gauge(name: ClientGaugeName, value: number): void {
    this.gauges.push([name, value]);
  }
}

/** A coalescer over a stub, on a manual clock. */
export class CoalescerRig {
  readonly source = new StubSource();
  readonly clock = new ManualClock();
  readonly metrics = new RecordingClientMetrics();
  readonly coalescer: Coalescer;

  constructor(options: Partial<CoalescerOptions> = {}) {
    this.coalescer = new Coalescer({
      source: this.source,
      clock: this.clock,
      metrics: this.metrics,
      maxInFlight: 2,
      maxQueued: 1_000,
      timeoutMs: 10_000,
      ...options,
    });
  }

  /** Asks as a caller without limits, and returns the place of its first timestamp as `ms:logical`. */
  async ask(count = 1): Promise<string> {
    const batch = this.coalescer.join(count);
    const offset = batch.count - count;
    const { physicalMs, logicalStart } = await batch.answer;
    return `${physicalMs}:${logicalStart + offset}`;
  }

  /** How many callers have left. */
  get abandoned(): number {
    return this.metrics.counts.get("tsoracle.client.abandoned_callers.total") ?? 0;
  }
}
