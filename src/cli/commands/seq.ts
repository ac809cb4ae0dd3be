// SPDX-License-Identifier: Apache-2.0

import { UINT32_MAX } from "../../core/integer_limits.ts";
import type { SequenceBlock, TsoClient } from "../../client/mod.ts";
import { CLIENT_FLAGS } from "../client/client_flags.ts";
import { withClient } from "../client/with_client.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG } from "../common.ts";
import { EXIT, UsageError } from "../errors.ts";
import { switchFlag, valueFlag } from "../flag.ts";
import { wholeNumber } from "../values.ts";

/** `tsoracle seq`. */
export const SEQ_COMMAND = defineCommand({
  name: "seq",
  operands: "KEY...",
  summary: "Take ordinals of a gapless sequence from a running server",
  examples: [
    { line: "tsoracle seq orders", effect: "the next ordinal of 'orders'; the first one is 0" },
    { line: "tsoracle seq orders --count 10 --range", effect: "first and last of a block" },
    { line: "tsoracle seq orders users --json", effect: "of both in one step, or of neither" },
  ],
  notes: [
    "What is taken is durable, and spent for ever. A call whose outcome is not known is not repeated: it ends with 4, and with 1 only if nothing was taken.",
    "With several keys each line begins with the key.",
  ],
  flags: {
    count: valueFlag("count", {
      placeholder: "N",
      fallback: "1",
      fromEnvironment: false,
      summary: "how many ordinals of each key; the server has a maximum, usually 65536",
      parse: wholeNumber(1, UINT32_MAX),
    }),
    range: switchFlag("range", "print only the first and the last ordinal, on one line", {
      fromEnvironment: false,
    }),
    json: JSON_FLAG,
    ...CLIENT_FLAGS,
  },
  async body({ settings, operands, context }) {
    if (operands.length === 0) {
      throw new UsageError("Cannot take ordinals: name a sequence, as in tsoracle seq orders");
    }
    const { count } = settings;
    const grant = await withClient(
      { settings, goal: "take ordinals" },
      (client) => take(client, { keys: operands, count }),
    );
    context.stdout.write(settings.json ? json(grant) : lines(grant.blocks, settings.range));
    return EXIT.ok;
  },
});

interface Taken {
  readonly blocks: readonly SequenceBlock[];
  readonly epoch: bigint;
}

interface Wanted {
  readonly keys: readonly string[];
  readonly count: number;
}

async function take(client: TsoClient, wanted: Wanted): Promise<Taken> {
  const { keys, count } = wanted;
  const [only, ...more] = keys;
  if (only === undefined || more.length > 0) {
    return await client.getSeqBatch(keys.map((key) => ({ key, count })));
  }
  const block = await client.getSeq(only, count);
  return { blocks: [block], epoch: block.epoch };
}

function json({ blocks, epoch }: Taken): string {
  const shown = blocks.map((block) => ({
    key: block.key,
    first: String(block.start),
    last: String(lastOf(block)),
    count: block.count,
  }));
  return `${JSON.stringify({ blocks: shown, epoch: String(epoch) })}\n`;
}

function lines(blocks: readonly SequenceBlock[], range: boolean): string {
  return blocks.map((block) => {
    const prefix = blocks.length > 1 ? `${block.key} ` : "";
    if (range) return `${prefix}${block.start} ${lastOf(block)}\n`;
    const ordinal = (index: number) => `${prefix}${block.start + BigInt(index)}\n`;
    return Array.from({ length: block.count }, (_, index) => ordinal(index)).join("");
  }).join("");
}

function lastOf(block: SequenceBlock): bigint {
  return block.start + BigInt(block.count) - 1n;
}
