// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { deferred } from "../../core/deferred.ts";
import { formatAddress } from "../../net/address.ts";
import type { OracleServer, ServeErrorCode, ServeOptions } from "../../net/mod.ts";
import { serve, ServeError } from "../../net/mod.ts";
import { MetricsListenError, PrometheusMetrics, serveMetrics } from "../../observe/mod.ts";
import type { OracleOptions } from "../../server/mod.ts";
import { NO_METRICS, Oracle } from "../../server/mod.ts";
import { VERSION } from "../../version.ts";
import { CommandError } from "../errors.ts";
import { runtimeName } from "../runtime.ts";
import { withKnownPort } from "./advertised.ts";
import { closeDriver } from "./close_driver.ts";
import { Closers } from "./closers.ts";
import type { DriverName } from "./drivers.ts";
import { watchEngine } from "./engine_watch.ts";
import type { ServeSettings } from "./flags.ts";
import { requireNetPermission } from "./net_permission.ts";
import type { NodeEnd } from "./node_end.ts";
import { openDriver } from "./open_driver.ts";
import { untilUseful } from "./until_useful.ts";
import { readTlsFiles } from "./tls_files.ts";

const logger = getLogger(["tsoracle", "cli"]);

const FLAGS_TO_CHANGE: Readonly<Record<ServeErrorCode, string>> = {
  "insecure-address": "--tls-cert and --tls-key, --listen, --allow-insecure",
  "bad-certificate": "--tls-cert, --tls-key and --tls-client-ca",
  "address-in-use": "--listen",
  "address-unavailable": "--listen",
  "address-forbidden": "--listen",
  "listen-failed": "--listen",
};

/** A server that runs. */
export interface RunningNode {
  /** `host:port` as bound. */
  readonly address: string;
  /** What the log says of its driver. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Resolves once it is of use to a client: it grants, or knows who does; rejects if it ends before. */
  readonly useful: Promise<void>;
  /** Resolves with the reason if the oracle cannot go on; otherwise never. */
  readonly failed: Promise<unknown>;
  /**
   * Hands the leadership over where that is possible, lets calls in flight finish, then stops the oracle, the metrics
   * and the driver, in this order.
   *
   * @throws {CommandError} if the driver still writes after the shutdown grace
   */
  close(): Promise<NodeEnd>;
}

/**
 * Opens the driver, starts the oracle and binds the addresses. If one step fails, the earlier ones are
 * undone.
 *
 * @throws {Error} a class that a person can act on: of the driver, of the sockets, or {@linkcode CommandError}
 */
export async function startNode(name: DriverName, settings: ServeSettings): Promise<RunningNode> {
  const closers = new Closers();
  try {
    await requireNetPermission(settings.listen);
    const listen = name === "file" ? settings.listen : await withKnownPort(settings.listen);
    return await openNode(name, { ...settings, listen }, closers);
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

async function openNode(
  name: DriverName,
  settings: ServeSettings,
  closers: Closers,
): Promise<RunningNode> {
  const { shutdownGraceMs, handoverMs } = settings;
  const tls = await readTlsFiles(settings);
  const metrics = settings.noMetrics ? undefined : makeMetrics();
  const opened = await openDriver(name, settings, metrics);
  const { driver, fields } = opened;
  closers.add(() => closeDriver(opened, shutdownGraceMs));
  if (metrics !== undefined) await openEndpoint(metrics, settings, closers);
  const oracle = new Oracle({
    ...oracleSettings(settings),
    driver,
    metrics: metrics ?? NO_METRICS,
  });
  closers.add(() => oracle.close());
  metrics?.watch(() => oracle.snapshot());
  const server = await listen(oracle, { ...serverSettings(settings), tls });
  const ending = new AbortController();
  const handOver = handoverMs === 0 ? undefined : () => oracle.handOver({ limitMs: handoverMs });
  closers.add(() => server.close({ handOver }));
  closers.add(() => Promise.resolve(ending.abort()));
  void watchEngine(driver, ending.signal);
  const failed = deferred<unknown>();
  void oracle.finished.then((end) => end.kind === "failed" && failed.resolve(end.error));
  return {
    address: server.address,
    fields,
    useful: untilUseful(oracle, ending.signal),
    failed: failed.promise,
    async close() {
      await closers.close();
      // Both answer once more with the end that they had.
      return { oracle: await oracle.close(), server: await server.close() };
    },
  };
}

function oracleSettings(settings: ServeSettings): Omit<OracleOptions, "driver"> {
  const { windowAheadMs, failoverAdvanceMs, refillFraction } = settings;
  const { maxSequenceCount, maxSequenceBatchKeys } = settings;
  const { minLeaseTtlMs, maxLeaseTtlMs, maxLeases } = settings;
  const { heartbeatIntervalMs, shutdownGraceMs } = settings;
  return {
    ...{ windowAheadMs, failoverAdvanceMs, refillFraction },
    ...{ maxSequenceCount, maxSequenceBatchKeys },
    ...{ minLeaseTtlMs, maxLeaseTtlMs, maxLeases },
    ...{ heartbeatIntervalMs, shutdownGraceMs },
  };
}

function serverSettings(settings: ServeSettings): ServeOptions {
  const { listen, allowInsecure, corsOrigins, edge, shutdownGraceMs, lameDuckMs } = settings;
  const { connections, watches, streamsPerConnection, messageBytes, headerBytes } = settings;
  const { handshakeTimeoutMs, requestTimeoutMs, idleTimeoutMs } = settings;
  const counts = { connections, streamsPerConnection, ...(watches && { watches }) };
  const sizes = { ...counts, messageBytes, headerBytes };
  const limits = { ...sizes, handshakeTimeoutMs, requestTimeoutMs, idleTimeoutMs };
  return { ...listen, allowInsecure, corsOrigins, edge, shutdownGraceMs, lameDuckMs, limits };
}

/** The library says what is wrong; which flag changes it is known here. */
async function listen(oracle: Oracle, options: ServeOptions): Promise<OracleServer> {
  try {
    return await serve(oracle, options);
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    throw new CommandError(`${error.message}; see ${FLAGS_TO_CHANGE[error.code]}`, {
      cause: error,
    });
  }
}

function makeMetrics(): PrometheusMetrics {
  return new PrometheusMetrics({ version: VERSION, runtime: runtimeName() });
}

async function openEndpoint(
  metrics: PrometheusMetrics,
  settings: ServeSettings,
  closers: Closers,
): Promise<void> {
  await requireNetPermission(settings.metricsListen);
  try {
    const endpoint = await serveMetrics(metrics, settings.metricsListen);
    closers.add(() => endpoint.close());
    logger.info("metrics are served", { address: formatAddress(endpoint.hostname, endpoint.port) });
  } catch (error) {
    if (!(error instanceof MetricsListenError)) throw error;
    throw new CommandError(`${error.message}; see --metrics-listen and --no-metrics`, {
      cause: error,
    });
  }
}
