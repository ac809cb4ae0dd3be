// SPDX-License-Identifier: Apache-2.0

import type { TimestampRange } from "../../client/mod.ts";
import { MAX_COUNT } from "../../core/timestamp.ts";
import { CLIENT_FLAGS } from "../client/client_flags.ts";
import { withClient } from "../client/with_client.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG, refuseOperands } from "../common.ts";
import { EXIT } from "../errors.ts";
import { switchFlag, valueFlag } from "../flag.ts";
import { wholeNumber } from "../values.ts";

/** `tsoracle get`. */
export const GET_COMMAND = defineCommand({
  name: "get",
  operands: "",
  summary: "Ask a running server for timestamps",
  examples: [
    { line: "tsoracle get", effect: "one timestamp from the server on this machine" },
    { line: "tsoracle get --count 3", effect: "three timestamps, one on each line" },
    { line: "tsoracle get --count 1000 --range", effect: "first and last of a block, on one line" },
    {
      line: "tsoracle get --endpoint tso.example:50551 --tls-ca ca.pem --json",
      effect: "over TLS, as a JSON object",
    },
  ],
  notes: [
    "Each timestamp is printed as one decimal number of 64 bits; 'tsoracle decode' takes it apart.",
    "The timestamps of one call are consecutive: N, N+1 and so on.",
  ],
  flags: {
    count: valueFlag("count", {
      placeholder: "N",
      fallback: "1",
      fromEnvironment: false,
      summary: `how many timestamps to ask for, 1 to ${MAX_COUNT}`,
      parse: wholeNumber(1, MAX_COUNT),
    }),
    range: switchFlag("range", "print only the first and the last timestamp, on one line", {
      fromEnvironment: false,
    }),
    json: JSON_FLAG,
    ...CLIENT_FLAGS,
  },
  async body({ settings, operands, context }) {
    refuseOperands("get", operands);
    const { count, json, range } = settings;
    const block = await withClient(
      { settings, goal: "get a timestamp" },
      (client) => client.getTsBatch(count),
    );
    context.stdout.write(render(block, { json, range }));
    return EXIT.ok;
  },
});

interface RenderOptions {
  readonly json: boolean;
  readonly range: boolean;
}

function render(block: TimestampRange, options: RenderOptions): string {
  const { first, last, length: count, physicalMs, logicalStart } = block;
  if (options.json) {
    const ends = { first, last, count };
    const epoch = String(block.epoch);
    return `${JSON.stringify({ ...ends, physicalMs, logicalStart, epoch })}\n`;
  }
  if (options.range) return `${first} ${last}\n`;
  return Array.from(block, (timestamp) => `${timestamp}\n`).join("");
}
