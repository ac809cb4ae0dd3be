// SPDX-License-Identifier: Apache-2.0

/**
 * Metrics and logs of a running oracle, for the program around it.
 *
 * ```ts
 * import { PrometheusMetrics, serveMetrics } from "@tsoracle/tsoracle/observe";
 *
 * const metrics = new PrometheusMetrics({ version: "1.2.3", runtime: "deno 2.8.3" });
 * // new Oracle({ driver, metrics }), then: metrics.watch(() => oracle.snapshot());
 * const endpoint = await serveMetrics(metrics, { port: 0 });
 * await endpoint.close();
 * ```
 *
 * @module
 */

export { LOG_FORMATS, LOG_LEVELS, startLogging } from "./logging.ts";
export type { LogFormat, LoggingOptions, LogVerbosity } from "./logging.ts";
export { MetricsListenError, serveMetrics } from "./metrics_server.ts";
export type { MetricsServer, MetricsServerOptions } from "./metrics_server.ts";
export type { MetricsSource } from "./metrics_source.ts";
export { PrometheusMetrics, prometheusName } from "./prometheus.ts";
export type { BuildInfo } from "./prometheus.ts";
