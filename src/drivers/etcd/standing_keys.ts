// SPDX-License-Identifier: Apache-2.0

import { PermanentError } from "../../consensus/errors.ts";
import { formatEndpoint, parseEndpoint } from "../../core/endpoint.ts";
import { epochFromHalves, epochToHalves } from "../../core/epoch.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { Claim, Standing, Term } from "../cluster/store.ts";
import type { FoundKeys } from "./found_keys.ts";
import { bytesOf, textOf } from "./keys.ts";
import type { EtcdKeys } from "./keys.ts";
import { hasValue, writtenIn } from "./operations.ts";
import type { Condition } from "./operations.ts";

/** Holds as long as a term is the latest: its incarnation, and its own take-over. */
export function underTerm(keys: EtcdKeys, epoch: Epoch): readonly Condition[] {
  const { hi, lo } = epochToHalves(epoch);
  return [writtenIn(keys.term, lo), hasValue(keys.incarnation, incarnationValue(hi))];
}

/** Holds as long as nobody took over, and, unless the term was given up, nobody gave a sign of life. */
export function underStanding(keys: EtcdKeys, seen: Standing): readonly Condition[] {
  const lo = seen.term === undefined ? 0n : epochToHalves(seen.term.epoch).lo;
  const conditions = [
    writtenIn(keys.term, lo),
    hasValue(keys.incarnation, incarnationValue(seen.incarnation)),
  ];
  return seen.resigned ? conditions : [...conditions, writtenIn(keys.beat, BigInt(seen.beat))];
}

/** An incarnation as it is kept. */
export function incarnationValue(incarnation: bigint): Uint8Array {
  return bytesOf(String(incarnation));
}

/** A take-over as it is kept. */
export function termValue({ id, endpoint }: Claim): Uint8Array {
  return bytesOf(JSON.stringify({ claim: id, endpoint: formatEndpoint(endpoint) }));
}

/**
 * The incarnation of the store.
 *
 * @throws {PermanentError} if it is missing or no number
 */
export function readIncarnation(keys: EtcdKeys, found: FoundKeys): bigint {
  const value = found.get(keys.incarnation)?.value;
  const text = value && textOf(value);
  if (text !== undefined && /^\d{1,19}$/.test(text)) return BigInt(text);
  throw unusable(keys.incarnation, text);
}

/**
 * What the keys of the leadership say.
 *
 * @throws {PermanentError} if one is missing that must be there, or cannot be read
 */
export function readStanding(keys: EtcdKeys, found: FoundKeys): Standing {
  const incarnation = readIncarnation(keys, found);
  return {
    incarnation,
    term: readTerm(keys, found, incarnation),
    beat: String(found.revision(keys.beat)),
    resigned: found.get(keys.resigned) !== undefined,
  };
}

/** An error that says which key cannot be used, and the way out. */
export function unusable(key: Uint8Array, text: string | undefined): PermanentError {
  const what = text === undefined ? "it is missing" : `its value is ${JSON.stringify(text)}`;
  return new PermanentError(
    `Cannot use the key '${
      textOf(key)
    }' of etcd: ${what}, which no release of this driver wrote; set etcd back to a snapshot and run the restore, or move to a new prefix (docs/engines.md)`,
  );
}

function readTerm(keys: EtcdKeys, found: FoundKeys, incarnation: bigint): Term | undefined {
  const term = found.get(keys.term);
  if (term === undefined) return undefined;
  const epoch = epochFromHalves({ hi: incarnation, lo: term.modRevision });
  const text = textOf(term.value);
  try {
    const { claim, endpoint } = JSON.parse(text) as { claim: unknown; endpoint: unknown };
    return { epoch, claimId: String(claim), endpoint: parseEndpoint(String(endpoint)) };
  } catch {
    throw unusable(keys.term, text);
  }
}
