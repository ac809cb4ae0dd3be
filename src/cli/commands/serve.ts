// SPDX-License-Identifier: Apache-2.0

import { getLogger } from "@logtape/logtape";
import { warnOnBadRuntime } from "../../net/mod.ts";
import { startLogging } from "../../observe/mod.ts";
import { VERSION } from "../../version.ts";
import { defineCommand } from "../command.ts";
import type { CliContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { EXIT, UsageError } from "../errors.ts";
import { runtimeName } from "../runtime.ts";
import { SERVE_FLAGS } from "../serve/flags.ts";
import type { ServeSettings } from "../serve/flags.ts";
import { checkLeaseTtls } from "../serve/lease_ttls.ts";
import { startNode } from "../serve/node.ts";
import { checkEnd, failure } from "../serve/node_end.ts";
import { configLines } from "../serve/print_config.ts";
import type { StopRequests } from "../serve/stop_requests.ts";
import { listenForStop } from "../serve/stop_requests.ts";
import { checkTlsFiles } from "../serve/tls_files.ts";

const logger = getLogger(["tsoracle", "cli"]);

/** `tsoracle serve`. */
export const SERVE_COMMAND = defineCommand({
  name: "serve",
  operands: "[file]",
  summary: "Run a durable oracle of one node",
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
    { line: "TSORACLE_LOG=debug tsoracle serve --print-config", effect: "what would be used" },
  ],
  notes: [
    "'file' names the driver, and is the only one so far.",
    "Prints 'serving on HOST:PORT' once it is bound and serves. SIGINT or SIGTERM stops it; a second one ends it at once.",
    "Each setting is taken from its flag, else from its environment variable, else from its default.",
  ],
  flags: SERVE_FLAGS,
  async body({ settings, given, operands, context }) {
    checkDriver(operands);
    checkTlsFiles(settings);
    checkLeaseTtls(settings);
    if (settings.printConfig) {
      context.stdout.write(configLines(SERVE_FLAGS, given));
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
      return await Promise.race([serveUntilStopped(settings, context, stop), forced]);
    } finally {
      stop.unsubscribe();
      stopLogging();
    }
  },
});

function checkDriver(operands: readonly string[]): void {
  const [driver = "file", ...more] = operands;
  if (driver === "file" && more.length === 0) return;
  const refused = driver === "file" ? more[0] : driver;
  throw new UsageError(
    `Cannot serve ${JSON.stringify(refused)}: the only driver is 'file'; write tsoracle serve file`,
  );
}

async function serveUntilStopped(
  settings: ServeSettings,
  context: CliContext,
  stop: StopRequests,
): Promise<number> {
  const { refused } = settings.log;
  if (refused !== undefined) logger.warn("unknown log level; logging at info", { level: refused });
  warnOnBadRuntime();
  const node = await startNode(settings);
  const announce = () => {
    logger.info("serving", startFields(settings, node.address));
    context.stdout.write(`serving on ${node.address}\n`);
  };
  // A node that ends before it served is told about below.
  void node.serving.then(announce, () => {});
  const failed = node.failed.then((error) => ({ error }));
  const outcome = await Promise.race([stop.first, failed]);
  if (typeof outcome === "string") logger.info("stopping", { signal: outcome });
  const end = await node.close();
  if (typeof outcome !== "string") throw failure("go on serving", outcome.error);
  checkEnd(end);
  return EXIT.ok;
}

/** What a report of trouble needs to say about how the server was started. */
function startFields(settings: ServeSettings, address: string): Record<string, unknown> {
  return {
    version: VERSION,
    runtime: runtimeName(),
    address,
    tls: settings.tlsCert !== undefined,
    driver: "file",
    directory: settings.directory,
    window_ahead: formatDuration(settings.windowAheadMs),
    failover_advance: formatDuration(settings.failoverAdvanceMs),
  };
}
