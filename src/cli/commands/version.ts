// SPDX-License-Identifier: Apache-2.0

import { VERSION } from "../../version.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../errors.ts";
import { JSON_FLAG, refuseOperands } from "../common.ts";
import { runtimeName } from "../runtime.ts";

/** `tsoracle version`. */
export const VERSION_COMMAND = defineCommand({
  name: "version",
  operands: "",
  summary: "Print the version",
  examples: [
    { line: "tsoracle version", effect: "the version of this program" },
    { line: "tsoracle version --json", effect: "with the runtime, for a bug report" },
  ],
  notes: [],
  flags: { json: JSON_FLAG },
  body({ settings, operands, context }) {
    refuseOperands("version", operands);
    const line = settings.json
      ? JSON.stringify({ version: VERSION, runtime: runtimeName() })
      : `tsoracle ${VERSION}`;
    context.stdout.write(`${line}\n`);
    return Promise.resolve(EXIT.ok);
  },
});
