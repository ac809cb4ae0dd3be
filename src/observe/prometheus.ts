// SPDX-License-Identifier: Apache-2.0

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type {
  DriverCounterName,
  DriverHistogramName,
  DriverMetrics,
} from "../consensus/driver_metrics.ts";
import { DRIVER_COUNTERS, DRIVER_HISTOGRAMS } from "../consensus/driver_metrics.ts";
import { epochToHalves } from "../core/epoch.ts";
import type { CounterName, GaugeName, HistogramName, Metrics } from "../server/metrics.ts";
import { COUNTERS, GAUGES, HISTOGRAMS } from "../server/metrics.ts";
import type { OracleSnapshot } from "../server/snapshot.ts";
import type { MetricsSource } from "./metrics_source.ts";

/**
 * Upper bounds of the buckets in seconds: from a memory store (50 us) over a disk's flush (1 to 50 ms) to
 * an engine that holds an election (10 s).
 */
const BUCKETS: number[] = [
  0.00005,
  0.0001,
  0.00025,
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
];

/** Upper bounds of the buckets of a batch's keys; 128 is the default maximum. */
const KEY_BUCKETS: number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];

const ALL_COUNTERS = { ...COUNTERS, ...DRIVER_COUNTERS } as const;
const ALL_HISTOGRAMS = { ...HISTOGRAMS, ...DRIVER_HISTOGRAMS } as const;

const READ_GAUGE: Readonly<Record<GaugeName, (snapshot: OracleSnapshot) => number>> = {
  "tsoracle.serving": (snapshot) => snapshot.serving ? 1 : 0,
  "tsoracle.leader": (snapshot) => snapshot.epoch === undefined ? 0 : 1,
  "tsoracle.epoch_hi": (snapshot) => Number(epochToHalves(snapshot.epoch ?? 0n).hi),
  "tsoracle.epoch_lo": (snapshot) => Number(epochToHalves(snapshot.epoch ?? 0n).lo),
  "tsoracle.certainty.remaining_ms": (snapshot) => snapshot.certainForMs,
  "tsoracle.high_water_ms": (snapshot) => snapshot.highWaterMs,
  "tsoracle.leases": (snapshot) => snapshot.leases,
  "tsoracle.window.remaining_ms": (snapshot) => snapshot.remainingMs,
};

type AnyCounterName = CounterName | DriverCounterName;
type AnyHistogramName = HistogramName | DriverHistogramName;

/** What the gauge `tsoracle_build_info` says; its value is always 1. */
export interface BuildInfo {
  /** The version of this package. */
  readonly version: string;
  /** The runtime and its version, such as `deno 2.8.3`. */
  readonly runtime: string;
}

/** The name under which Prometheus knows a metric: dots become underscores (behaviour.md 8). */
export function prometheusName(name: string): string {
  return name.replaceAll(".", "_");
}

/**
 * Keeps the figures of an oracle and of its driver for a Prometheus scrape, in a registry of its own.
 *
 * Counters are plain numbers until somebody scrapes, because they are counted on the request path.
 *
 * @example
 * ```ts
 * import { PrometheusMetrics } from "@tsoracle/tsoracle/observe";
 *
 * const metrics = new PrometheusMetrics({ version: "1.2.3", runtime: "deno 2.8.3" });
 * metrics.count("tsoracle.get_ts.requests.total", 1);
 * const page = await metrics.render();
 * ```
 */
export class PrometheusMetrics implements Metrics, DriverMetrics, MetricsSource {
  readonly #registry = new Registry();
  readonly #totals: Record<AnyCounterName, number>;
  readonly #histograms: Record<AnyHistogramName, Histogram>;

  /** Registers every counter and histogram, so that a scrape shows zeros before the first event. */
  constructor(buildInfo: BuildInfo) {
    this.#totals = mapKeys(ALL_COUNTERS, () => 0);
    mapKeys(ALL_COUNTERS, (name) => this.#registerCounter(name));
    this.#histograms = mapKeys(ALL_HISTOGRAMS, (name) => this.#registerHistogram(name));
    this.#registerBuildInfo(buildInfo);
  }

  /** The media type of {@linkcode render}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Adds to a counter. */
  count(name: CounterName | DriverCounterName, by: number): void {
    this.#totals[name] += by;
  }

  /** Records one value: a duration in seconds, unless the help text says otherwise. */
  observe(name: HistogramName | DriverHistogramName, value: number): void {
    this.#histograms[name].observe(value);
  }

  /**
   * Adds the gauges. They are read at each scrape, so nothing has to keep them fresh. Call it once.
   *
   * @param snapshot reads the figures of this moment, such as `() => oracle.snapshot()`
   */
  watch(snapshot: () => OracleSnapshot): void {
    mapKeys(GAUGES, (name) => this.#registerGauge(name, () => READ_GAUGE[name](snapshot())));
  }

  /** The page for one scrape, in the Prometheus text format. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #registerCounter(name: AnyCounterName): Counter {
    const total = () => this.#totals[name];
    return new Counter({
      name: prometheusName(name),
      help: ALL_COUNTERS[name],
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(total());
      },
    });
  }

  #registerHistogram(name: AnyHistogramName): Histogram {
    return new Histogram({
      name: prometheusName(name),
      help: ALL_HISTOGRAMS[name],
      buckets: name === "tsoracle.get_seq.batch.keys" ? KEY_BUCKETS : BUCKETS,
      registers: [this.#registry],
    });
  }

  #registerGauge(name: GaugeName, read: () => number): Gauge {
    return new Gauge({
      name: prometheusName(name),
      help: GAUGES[name],
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  #registerBuildInfo(buildInfo: BuildInfo): void {
    const gauge = new Gauge({
      name: "tsoracle_build_info",
      help: "1, labelled with what runs",
      labelNames: ["version", "runtime"],
      registers: [this.#registry],
    });
    gauge.set({ version: buildInfo.version, runtime: buildInfo.runtime }, 1);
  }
}

function mapKeys<Name extends string, Value>(
  table: Readonly<Record<Name, string>>,
  make: (name: Name) => Value,
): Record<Name, Value> {
  const names = Object.keys(table) as Name[];
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
}
