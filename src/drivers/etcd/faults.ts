// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import { PermanentError, TransientError } from "../../consensus/errors.ts";
import type { ConsensusError } from "../../consensus/errors.ts";

/** Codes that do not pass by themselves. Every other may: also `unknown` and `internal`, as which a lost connection is told. */
const PERMANENT: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.DataLoss,
]);

/** What etcd says, and what a person can do about it. */
const WAYS_OUT: readonly (readonly [RegExp, string])[] = [
  [
    /database space exceeded/,
    "etcd takes no write until its database is compacted and defragmented, or its quota raised, and the alarm NOSPACE disarmed",
  ],
  [
    /request is too large|larger than max/,
    "raise '--max-request-bytes' of etcd to its default of 1.5 MiB at least",
  ],
  [/too many operations/, "raise '--max-txn-ops' of etcd to its default of 128 at least"],
  [/permission denied/, "let the user of etcd read and write all keys with the prefix"],
];

/**
 * What an error of a call to etcd means.
 *
 * @param endpoint the member that was asked, for the message
 */
export function faultOf(error: unknown, endpoint: string): ConsensusError {
  const cause = ConnectError.from(error);
  const text = cause.rawMessage;
  const wayOut = WAYS_OUT.find(([said]) => said.test(text))?.[1];
  const message = `etcd at ${endpoint}: ${text}${wayOut === undefined ? "" : `; ${wayOut}`}`;
  return isPermanent(cause)
    ? new PermanentError(message, { cause: error })
    : new TransientError(message, { cause: error });
}

/** Codes that say less than the text does. */
function isPermanent({ code, rawMessage }: ConnectError): boolean {
  // Whatever its code is, an answer that was cut off or breaks the rules is no word of etcd, which may have done it.
  if (/^(?:http\/2 stream closed|protocol error)/.test(rawMessage)) return false;
  // A request that is too large for what is below etcd.
  if (/larger than max/.test(rawMessage)) return true;
  // Rights were changed while the request was under way.
  if (/revision of auth store is old/.test(rawMessage)) return false;
  return PERMANENT.has(code);
}
