// SPDX-License-Identifier: Apache-2.0

import { create, toBinary } from "@bufbuild/protobuf";
import { encodeBinaryHeader } from "@connectrpc/connect";
import { formatEndpoint } from "../core/endpoint.ts";
import { epochToHalves } from "../core/epoch.ts";
import { LeaderHintSchema } from "../gen/tsoracle/v1/tso_pb.ts";
import type { LeaderHint } from "../server/errors.ts";

/** Key of the binary metadata that every not-leader answer carries (behaviour.md 1.3). */
export const LEADER_HINT_KEY = "tsoracle-leader-hint-bin";

/**
 * Encodes a hint as the protobuf message `LeaderHint`. A hint that knows nothing is zero bytes long; an
 * epoch of zero is present and differs from an absent one.
 *
 * @throws {CoreError} `epoch-out-of-range` if the epoch does not fit 128 unsigned bits
 */
export function encodeLeaderHint(hint: LeaderHint): Uint8Array {
  const message = create(LeaderHintSchema);
  if (hint.leaderEndpoint !== undefined) {
    message.leaderEndpoint = formatEndpoint(hint.leaderEndpoint);
  }
  if (hint.leaderEpoch !== undefined) {
    const { hi, lo } = epochToHalves(hint.leaderEpoch);
    message.leaderEpoch = { $typeName: "tsoracle.v1.EpochWire", hi, lo };
  }
  return toBinary(LeaderHintSchema, message);
}

/**
 * The metadata of a not-leader answer. It is there also when the hint is empty, so that a client can tell
 * an oracle that knows no leader from an answer that came from something else.
 */
export function leaderHintMetadata(hint: LeaderHint): Record<string, string> {
  return { [LEADER_HINT_KEY]: encodeBinaryHeader(encodeLeaderHint(hint)) };
}
