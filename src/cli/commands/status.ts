// SPDX-License-Identifier: Apache-2.0

import { CLIENT_FLAGS } from "../client/client_flags.ts";
import type { NodeStatus } from "../client/node_status.ts";
import { readStatus } from "../client/node_status.ts";
import { defineCommand } from "../command.ts";
import { JSON_FLAG, refuseOperands } from "../common.ts";
import { EXIT } from "../errors.ts";

/** `tsoracle status`. */
export const STATUS_COMMAND = defineCommand({
  name: "status",
  operands: "",
  summary: "Show which of the servers leads, and how far it is",
  examples: [
    { line: "tsoracle status", effect: "the server on this machine" },
    {
      line: "tsoracle status --endpoint a.example:50551 --endpoint b.example:50551 --json",
      effect: "both, as one JSON object",
    },
  ],
  notes: [
    "Of the leader it shows how far reads are safe, and the frontier: the smallest bound of all leases, or the high-water while there are none.",
    "Ends with 0 if one of the servers leads, with 1 if none does. It takes no timestamp.",
  ],
  flags: { json: JSON_FLAG, ...CLIENT_FLAGS },
  async body({ settings, operands, context }) {
    refuseOperands("status", operands);
    const nodes = await readStatus(settings);
    context.stdout.write(settings.json ? render(nodes) : nodes.map(line).join(""));
    return nodes.some(({ state }) => state === "leader") ? EXIT.ok : EXIT.failure;
  },
});

function render(nodes: readonly NodeStatus[]): string {
  const shown = nodes.map((node) =>
    node.state === "leader" ? { ...node, epoch: String(node.epoch) } : node
  );
  return `${JSON.stringify({ nodes: shown })}\n`;
}

function line(node: NodeStatus): string {
  const { endpoint } = node;
  switch (node.state) {
    case "unreachable":
      return `${endpoint}  unreachable  ${node.error}\n`;
    case "follower":
      return `${endpoint}  follower     answered in ${node.answeredInMs} ms\n`;
    case "leader":
      return `${endpoint}  leader       epoch ${node.epoch}, safe up to ${
        instant(node.maxSafeMs)
      }` +
        `, frontier ${instant(node.frontierMs)}, answered in ${node.answeredInMs} ms\n`;
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
