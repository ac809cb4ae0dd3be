// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { warnOnBadRuntime } from "../../net/mod.ts";
import { startLogging } from "../../observe/mod.ts";
import { VERSION } from "../../version.ts";
import { defineCommand } from "../command.ts";
import type { CliContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { EXIT } from "../errors.ts";
import { runtimeName } from "../runtime.ts";
import { checkAdvertised } from "../serve/advertised.ts";
import { driverOf, refuseForeignFlags, withoutForeign } from "../serve/drivers.ts";
import type { DriverName } from "../serve/drivers.ts";
import { checkEtcd } from "../serve/etcd_location.ts";
import { SERVE_FLAGS, SERVE_SECTIONS } from "../serve/flags.ts";
import type { ServeSettings } from "../serve/flags.ts";
import { checkLeaseTtls } from "../serve/lease_ttls.ts";
import { checkPostgres } from "../serve/postgres_location.ts";
import { startNode } from "../serve/node.ts";
import type { RunningNode } from "../serve/node.ts";
import { checkEnd, failure } from "../serve/node_end.ts";
import { configLines } from "../serve/print_config.ts";
import type { StopRequests } from "../serve/stop_requests.ts";
import { listenForStop } from "../serve/stop_requests.ts";
import { checkTlsFiles } from "../serve/tls_files.ts";

const logger = getLogger(["tsoracle", "cli"]);

/** `tsoracle serve`. */
export const SERVE_COMMAND = defineCommand({
  name: "serve",
  operands: "[file|etcd|postgres]",
  summary: "Run a durable oracle: of one node, or a node of a cluster",
  examples: [
    { line: "tsoracle serve", effect: "on 127.0.0.1:50551, state in ./tsoracle-data" },
    {
      line: "tsoracle serve --listen 127.0.0.1:0 --state-dir /var/lib/tsoracle",
      effect: "on a free port, which the first line of the output names",
    },
    {
      line: "tsoracle serve --listen 0.0.0.0:50551 --tls-cert cert.pem --tls-key key.pem",
      effect: "for other machines, over TLS",
    },
    {
      line:
        "tsoracle serve etcd --etcd etcd-a:2379,etcd-b:2379,etcd-c:2379 --listen 0.0.0.0:50551 --advertise host-a:50551 --allow-insecure",
      effect: "a node of a cluster, which keeps its state in etcd",
    },
    {
      line: "tsoracle serve postgres --url postgres://tsoracle@pg-a,pg-b/tsoracle",
      effect: "a node of a cluster, which keeps its state in PostgreSQL",
    },
    { line: "TSORACLE_LOG=debug tsoracle serve --print-config", effect: "what would be used" },
  ],
  notes: [
    "'file', the default, runs one node with its state on a local disk; 'etcd' and 'postgres' run one of several nodes, of which one leads.",
    "Prints 'serving on HOST:PORT' once it is bound and of use: it grants timestamps, or knows which node does. SIGINT or SIGTERM stops it; a second one ends it at once.",
    "Each setting is taken from its flag, else from its environment variable, else from its default.",
  ],
  flags: SERVE_FLAGS,
  sections: SERVE_SECTIONS,
  async body({ settings, given, operands, context }) {
    const driver = driverOf("serve", operands);
    refuseForeignFlags(driver, given);
    checkTlsFiles(settings);
    checkLeaseTtls(settings);
    checkDriverSettings(driver, settings);
    if (settings.printConfig) {
      context.stdout.write(configLines(withoutForeign(SERVE_FLAGS, driver), given));
      return EXIT.ok;
    }
    const stopLogging = startLogging({
      level: settings.log.level,
      format: settings.logFormat,
      write: (text) => context.stderr.write(text),
    });
    const stop = listenForStop(context.signals);
    try {
      const forced = stop.second.then((signal) => EXIT[signal]);
      return await Promise.race([serveUntilStopped(driver, settings, { context, stop }), forced]);
    } finally {
      stop.unsubscribe();
      stopLogging();
    }
  },
});

function checkDriverSettings(driver: DriverName, settings: ServeSettings): void {
  if (driver === "file") return;
  checkAdvertised(settings);
  if (driver === "etcd") checkEtcd(settings);
  else checkPostgres(settings);
}

interface ServeProcess {
  readonly context: CliContext;
  readonly stop: StopRequests;
}

async function serveUntilStopped(
  driver: DriverName,
  settings: ServeSettings,
  { context, stop }: ServeProcess,
): Promise<number> {
  const { refused } = settings.log;
  if (refused !== undefined) logger.warn("unknown log level; logging at info", { level: refused });
  warnOnBadRuntime(settings.edge);
  const node = await startNode(driver, settings);
  const announce = () => {
    logger.info("serving", startFields(settings, node));
    context.stdout.write(`serving on ${node.address}\n`);
  };
  // A node that ends before it was of use is told about below.
  void node.useful.then(announce, () => {});
  const failed = node.failed.then((error) => ({ error }));
  const outcome = await Promise.race([stop.first, failed]);
  if (typeof outcome === "string") logger.info("stopping", { signal: outcome });
  const end = await node.close();
  if (typeof outcome !== "string") throw failure("go on serving", outcome.error);
  checkEnd(end);
  return EXIT.ok;
}

/** What a report of trouble needs to say about how the server was started. */
function startFields(settings: ServeSettings, node: RunningNode): Record<string, unknown> {
  return {
    version: VERSION,
    runtime: runtimeName(),
    address: node.address,
    tls: settings.tlsCert !== undefined,
    ...node.fields,
    window_ahead: formatDuration(settings.windowAheadMs),
    failover_advance: formatDuration(settings.failoverAdvanceMs),
  };
}
