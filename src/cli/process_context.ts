// SPDX-License-Identifier: Apache-2.0

import { realpathSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { CliContext, SignalSource, StopSignal, TextOutput } from "./context.ts";

/** Windows knows no SIGTERM. */
const STOP_SIGNALS: readonly StopSignal[] = process.platform === "win32"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

/** The process that runs this program. */
export function processContext(): CliContext {
  return {
    args: process.argv.slice(2),
    env: process.env,
    stdout: outputTo(process.stdout),
    stderr: outputTo(process.stderr),
    signals: PROCESS_SIGNALS,
  };
}

/**
 * Whether a module is the one that was started. Node 20 has no `import.meta.main`.
 *
 * @param url `import.meta.url` of the module
 * @param main `import.meta.main` of the module
 */
export function isEntry(url: string, main: boolean | undefined): boolean {
  if (main !== undefined) return main;
  const script = process.argv[1];
  return script !== undefined && pathToFileURL(realpathSync(script)).href === url;
}

/** A reader that has gone, such as `head` or a log collector that died, must not end a server. */
function outputTo(stream: NodeJS.WriteStream): TextOutput {
  stream.on("error", () => {});
  return {
    write(text) {
      stream.write(text);
    },
  };
}

const PROCESS_SIGNALS: SignalSource = {
  subscribe(listener) {
    const handlers = STOP_SIGNALS.map((signal) => ({ signal, handle: () => listener(signal) }));
    for (const { signal, handle } of handlers) process.on(signal, handle);
    return () => {
      for (const { signal, handle } of handlers) process.off(signal, handle);
    };
  },
};
