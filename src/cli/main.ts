// SPDX-License-Identifier: Apache-2.0

/**
 * The command line. Run it with `deno run jsr:@tsoracle/tsoracle/cli serve`, or call {@linkcode main} from
 * a program of your own.
 *
 * @example
 * ```ts
 * import { main } from "@tsoracle/tsoracle/cli";
 * import assert from "node:assert/strict";
 *
 * let printed = "";
 * const code = await main({
 *   args: ["decode", "262144005"],
 *   env: {},
 *   stdout: { write: (text) => printed += text },
 *   stderr: { write: () => {} },
 *   signals: { subscribe: () => () => {} },
 * });
 * assert.equal(code, 0);
 * assert.match(printed, /physical_ms +1000/);
 * ```
 *
 * @module
 */

import { leave } from "./leave.ts";
import { isEntry, processContext } from "./process_context.ts";
import { main } from "./run.ts";

export type { CliContext, SignalSource, StopSignal, TextOutput } from "./context.ts";
export { main };

if (isEntry(import.meta.url, import.meta.main)) {
  leave(await main(processContext()));
}
