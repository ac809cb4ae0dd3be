// SPDX-License-Identifier: Apache-2.0

import { fromBinary } from "@bufbuild/protobuf";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { parseEndpoint } from "../../core/endpoint.ts";
import { epochFromHalves } from "../../core/epoch.ts";
import type { Epoch } from "../../core/epoch.ts";
import { LeaderHintSchema } from "../../gen/tsoracle/v1/tso_pb.ts";
import type { LeaderHint } from "../../gen/tsoracle/v1/tso_pb.ts";
import { hintedAddress } from "./endpoint_address.ts";
import type { EndpointAddress, TlsSetting } from "./endpoint_address.ts";

/** Key of the binary metadata of a not-leader answer (behaviour.md 1.3). */
export const LEADER_HINT_KEY = "tsoracle-leader-hint-bin";

/**
 * What the trailer of a refusal says about the leader (behaviour.md 6.6):
 * - `absent`: there is no trailer;
 * - `nobody`: there is one that names no endpoint, because the server knows of no leader yet;
 * - `unusable`: it cannot be decoded, or its endpoint breaks a rule; `why` says which;
 * - `leader`: the server takes this one for the leader.
 */
export type HintReading =
  | { readonly kind: "absent" }
  | { readonly kind: "nobody" }
  | { readonly kind: "unusable"; readonly why: string }
  | {
    readonly kind: "leader";
    /** Where the leader is. */
    readonly address: EndpointAddress;
    /** Its epoch; zero is an epoch, and differs from none. */
    readonly epoch: Epoch | undefined;
  };

/** Reads hints. An endpoint that the user named is reached as the user said, any other as the client speaks. */
export class HintReader {
  readonly #configured: ReadonlyMap<string, EndpointAddress>;
  readonly #setting: TlsSetting;

  /** Makes a reader that knows the endpoints of the user. */
  constructor(endpoints: readonly EndpointAddress[], setting: TlsSetting) {
    this.#configured = new Map(endpoints.map((address) => [address.name, address]));
    this.#setting = setting;
  }

  /** Reads the hint of a refusal from its metadata. It never throws. */
  read(metadata: Headers): HintReading {
    const value = metadata.get(LEADER_HINT_KEY);
    if (value === null) return { kind: "absent" };
    try {
      return this.#understand(decodeHint(value));
    } catch (error) {
      return { kind: "unusable", why: error instanceof Error ? error.message : String(error) };
    }
  }

  #understand(hint: LeaderHint | undefined): HintReading {
    if (hint === undefined || !hint.leaderEndpoint) return { kind: "nobody" };
    const found = hintedAddress(parseEndpoint(hint.leaderEndpoint), this.#setting);
    const address = this.#configured.get(found.name) ?? found;
    const epoch = hint.leaderEpoch === undefined ? undefined : epochFromHalves(hint.leaderEpoch);
    return { kind: "leader", address, epoch };
  }
}

/** Decodes the value; undefined if it is empty. Copies of one hint, joined by a proxy, are one hint. */
function decodeHint(value: string): LeaderHint | undefined {
  const [first, ...others] = new Set(value.split(",").map((part) => part.trim()).filter(Boolean));
  if (first === undefined) return undefined;
  if (others.length > 0) throw new Error(`${others.length + 1} hints in one answer`);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(first)) throw new Error("the hint is not base64");
  return fromBinary(LeaderHintSchema, decodeBinaryHeader(first));
}
