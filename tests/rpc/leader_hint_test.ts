// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import { LeaderHintSchema } from "../../src/gen/tsoracle/v1/tso_pb.ts";
import {
  encodeLeaderHint,
  LEADER_HINT_KEY,
  leaderHintMetadata,
} from "../../src/rpc/leader_hint.ts";
import type { LeaderHint } from "../../src/server/errors.ts";

const leaderEndpoint = { host: "10.0.0.7", port: 50551 };

/** behaviour.md 15.5 */
const VECTORS: readonly (readonly [string, LeaderHint, string])[] = [
  ["nothing", {}, ""],
  ["an endpoint", { leaderEndpoint }, "0a0e31302e302e302e373a3530353531"],
  [
    "endpoint and epoch 0,42",
    { leaderEndpoint, leaderEpoch: 42n },
    "0a0e31302e302e302e373a35303535311202102a",
  ],
  [
    "endpoint and epoch 1,3",
    { leaderEndpoint, leaderEpoch: (1n << 64n) + 3n },
    "0a0e31302e302e302e373a3530353531120408011003",
  ],
  [
    "endpoint and epoch 0,0, which is not an absent one",
    { leaderEndpoint, leaderEpoch: 0n },
    "0a0e31302e302e302e373a35303535311200",
  ],
  ["epoch 0,7 alone", { leaderEpoch: 7n }, "12021007"],
];

for (const [name, hint, hex] of VECTORS) {
  Deno.test(`encodeLeaderHint() writes ${name} as the vector says`, () => {
    const bytes = encodeLeaderHint(hint);
    assert.equal(Buffer.from(bytes).toString("hex"), hex);
    assert.deepEqual(leaderHintMetadata(hint), {
      [LEADER_HINT_KEY]: Buffer.from(bytes).toString("base64").replace(/=+$/, ""),
    });
  });
}

Deno.test("encodeLeaderHint() keeps the brackets of an IPv6 endpoint", () => {
  const bytes = encodeLeaderHint({ leaderEndpoint: { host: "[::1]", port: 1 } });
  assert.equal(fromBinary(LeaderHintSchema, bytes).leaderEndpoint, "[::1]:1");
});
