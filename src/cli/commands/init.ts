// SPDX-License-Identifier: Apache-2.0

import { PHYSICAL_MS_MAX } from "../../core/timestamp.ts";
import { FileDriver } from "../../drivers/file/mod.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG, refuseOperands, STATE_DIR_FLAG } from "../common.ts";
import { EXIT, UsageError } from "../errors.ts";
import { optionalFlag } from "../flag.ts";
import { wholeNumber } from "../values.ts";

/** `tsoracle init` (behaviour.md 7.6). */
export const INIT_COMMAND = defineCommand({
  name: "init",
  operands: "",
  summary: "Make a state directory whose first timestamp lies above a seed",
  examples: [
    {
      line: "tsoracle init --seed-physical-ms 1700000000000",
      effect: "every timestamp will be later than that millisecond",
    },
    {
      line: "tsoracle init --state-dir /var/lib/tsoracle --seed-physical-ms 0",
      effect: "an empty state elsewhere",
    },
  ],
  notes: [
    "To replace a lost state, seed it above the physical part of every timestamp that was ever issued and above every bound of a lease: docs/operations.md has the formula. If a seed was given earlier, the new one must also be above that one and what was issued after it, so keep each seed.",
    "Sequences and leases in the directory are kept, and a seed below the bound of one is refused.",
    "An existing state is never overwritten.",
  ],
  flags: {
    directory: STATE_DIR_FLAG,
    seedPhysicalMs: optionalFlag("seed-physical-ms", {
      placeholder: "MS",
      summary: "high-water to start from, in milliseconds since 1970; required",
      parse: wholeNumber(0, PHYSICAL_MS_MAX),
    }),
    json: JSON_FLAG,
  },
  async body({ settings, operands, context }) {
    refuseOperands("init", operands);
    const { directory, seedPhysicalMs, json } = settings;
    if (seedPhysicalMs === undefined) {
      throw new UsageError(
        "Cannot initialize: --seed-physical-ms is missing; 0 starts an empty state",
      );
    }
    await FileDriver.init({ directory, seedPhysicalMs });
    const line = json
      ? JSON.stringify({ directory, seedPhysicalMs })
      : `Initialized ${directory} at seed physical_ms=${seedPhysicalMs}`;
    context.stdout.write(`${line}\n`);
    return EXIT.ok;
  },
});
