// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import {
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
  UnavailableError,
} from "../../src/consensus/errors.ts";
import { SEQUENCE_COUNTER_MAX } from "../../src/core/sequence.ts";
import type { OracleRig } from "../_support/oracle_rig.ts";
import { ELSEWHERE, invalid, lead, notLeader, refused } from "./_support/matrix.ts";
import type { MatrixCall, MatrixRow, Refused } from "./_support/matrix.ts";
import { testMatrix } from "./_support/transports.ts";

const EPOCH = { hi: 1n, lo: 3n };
const INVALID_KEY = "invalid sequence key: it must be 1 to 128 bytes of UTF-8";

function seq(key: string, count: number): MatrixCall {
  return (client) => client.getSeq({ key, count });
}

function batch(...entries: readonly (readonly [string, number])[]): MatrixCall {
  return (client) =>
    client.getSeqBatch({ entries: entries.map(([key, count]) => ({ key, count })) });
}

function invalidCount(count: number, max = 65_536): Refused {
  return invalid(
    `count must be between 1 and the maximum: it is ${count}, the maximum is ${max}`,
  );
}

function tookNothing(rig: OracleRig): void {
  assert.equal(rig.driver.advances.length, 0);
}

const CALLS: readonly (readonly [string, MatrixCall])[] = [
  ["GetSeq", seq("orders", 1)],
  ["GetSeq with a count of 0 and no key", seq("", 0)],
  ["GetSeqBatch", batch(["orders", 1])],
  ["GetSeqBatch without an entry", batch()],
];

const ELSEWHERE_ROWS = CALLS.flatMap(([what, call]) =>
  ELSEWHERE.flatMap(([where, node, hint]): MatrixRow[] => [
    { name: `${what} on ${where}`, node, call, answer: notLeader(hint), after: tookNothing },
    {
      name: `${what} on ${where} whose driver has no sequences`,
      options: { without: ["advanceDense", "advanceDenseBatch", "loadDenseSeq"] },
      node,
      call,
      answer: notLeader(hint),
    },
  ])
);

/** What the leader says to a request that no store is asked about. */
const REFUSED_AT_ONCE: readonly (readonly [string, MatrixCall, Refused])[] = [
  ["GetSeq of no ordinal", seq("orders", 0), invalidCount(0)],
  ["GetSeq of 65537 ordinals", seq("orders", 65_537), invalidCount(65_537)],
  ["GetSeq of 2^32 - 1 ordinals", seq("orders", 0xffff_ffff), invalidCount(0xffff_ffff)],
  ["GetSeq of no key", seq("", 1), invalid(INVALID_KEY)],
  ["GetSeq of a key of 129 bytes", seq("k".repeat(129), 1), invalid(INVALID_KEY)],
  ["GetSeq of 65 characters of two bytes", seq("é".repeat(65), 1), invalid(INVALID_KEY)],
  ["GetSeq of no ordinal of no key: the count comes first", seq("", 0), invalidCount(0)],
  [
    "GetSeqBatch without an entry",
    batch(),
    refused(
      3,
      "a batch must have between 1 and the maximum of entries: it has 0, the maximum is 128",
    ),
  ],
  [
    "GetSeqBatch of 129 entries",
    batch(...Array.from({ length: 129 }, (_, index) => [`key-${index}`, 1] as const)),
    refused(
      3,
      "a batch must have between 1 and the maximum of entries: it has 129, the maximum is 128",
    ),
  ],
  [
    "GetSeqBatch with a key twice",
    batch(["a", 1], ["b", 1], ["a", 2]),
    invalid('the keys of a batch must be distinct: "a" occurs twice'),
  ],
  ["GetSeqBatch with an entry of no ordinal", batch(["a", 1], ["b", 0]), invalidCount(0)],
  ["GetSeqBatch with too large an entry", batch(["a", 1], ["b", 65_537]), invalidCount(65_537)],
  ["GetSeqBatch with an entry of no key", batch(["a", 1], ["", 1]), invalid(INVALID_KEY)],
];

const LEADER_ROWS = REFUSED_AT_ONCE.flatMap(([what, call, answer]): MatrixRow[] => [
  { name: `${what} on the leader`, node: lead, call, answer, after: tookNothing },
  {
    name: `${what} on the leader whose driver has no sequences`,
    options: { without: ["advanceDense", "advanceDenseBatch", "loadDenseSeq"] },
    node: lead,
    call,
    answer,
  },
]);

const UNSUPPORTED_ROWS: readonly MatrixRow[] = [
  {
    name: "GetSeq on the leader whose driver has no sequences",
    options: { without: ["advanceDense"] },
    node: lead,
    call: seq("orders", 1),
    answer: refused(
      Code.Unimplemented,
      "sequences are not supported by this consensus driver",
    ),
  },
  {
    name: "GetSeqBatch on the leader whose driver has no batches",
    options: { without: ["advanceDenseBatch"] },
    node: lead,
    call: batch(["orders", 1]),
    answer: refused(
      Code.Unimplemented,
      "sequence batches are not supported by this consensus driver",
    ),
  },
];

const BOTH: readonly (readonly [string, MatrixCall])[] = [
  ["GetSeq", seq("orders", 2)],
  ["GetSeqBatch", batch(["orders", 2])],
];

/** What the leader says after its store has said something. */
function storeSays(error: Error): MatrixRow["node"] {
  return async (rig) => {
    await lead(rig);
    rig.driver.beforeAdvance = () => {
      throw error;
    };
  };
}

const UNKNOWN =
  /^it is not known whether the block was taken: .*; asking again would take another one$/;
const STORE_ROWS = BOTH.flatMap(([what, call]): MatrixRow[] => [
  {
    name: `${what} of a new key where the store holds as many as it may`,
    options: { store: { sequences: [["other", 1n]], maxSequenceKeys: 1 } },
    node: lead,
    call,
    answer: refused(Code.ResourceExhausted, "dense key cardinality cap 1 reached"),
  },
  {
    name:
      `${what} past 2^64 - 1: a bare FAILED_PRECONDITION, so no client takes it for an election`,
    options: { store: { sequences: [["orders", SEQUENCE_COUNTER_MAX - 1n]] } },
    node: lead,
    call,
    answer: refused(
      Code.FailedPrecondition,
      'dense counter overflow: "orders" is at 18446744073709551614 and cannot give 2 more',
    ),
  },
  {
    name: `${what} that meets a transient fault: the outcome is unknown, so it is not UNAVAILABLE`,
    node: storeSays(new TransientError("no answer")),
    call,
    answer: refused(Code.Internal, UNKNOWN),
  },
  {
    name: `${what} that the driver did not begin with: nothing was taken`,
    node: storeSays(new UnavailableError("the disk hangs")),
    call,
    answer: refused(Code.Unavailable, "nothing was taken: the disk hangs"),
  },
  {
    name: `${what} that meets a permanent fault`,
    node: storeSays(new PermanentError("the disk is gone")),
    call,
    answer: refused(Code.Internal, UNKNOWN),
  },
  {
    name: `${what} refused by a store that says not leader`,
    node: storeSays(new NotLeaderError()),
    call,
    answer: notLeader(""),
    after: (rig) => assert.equal(rig.oracle.state.kind, "not-serving"),
  },
  {
    name: `${what} refused by a store that is fenced: the hint carries its epoch`,
    node: storeSays(new FencedError(1n, 7n)),
    call,
    answer: notLeader("12021007"),
  },
]);

const ANSWERED_ROWS: readonly MatrixRow[] = [
  {
    name: "GetSeq of a new key begins at 0, and says so with the epoch",
    node: lead,
    call: seq("orders", 65_536),
    answer: { fields: { key: "orders", start: 0n, count: 65_536, epoch: EPOCH } },
  },
  {
    name: "GetSeq of the last ordinal, 2^64 - 2",
    options: { store: { sequences: [["orders", SEQUENCE_COUNTER_MAX - 1n]] } },
    node: lead,
    call: seq("orders", 1),
    answer: { fields: { start: 18_446_744_073_709_551_614n, count: 1, epoch: EPOCH } },
  },
  {
    name: "GetSeqBatch of 128 keys of 128 bytes answers in the order of the request",
    node: lead,
    call: batch(...longKeys().map((key, index) => [key, index + 1] as const)),
    answer: {
      fields: {
        grants: longKeys().map((key, index) => ({ key, start: 0n, count: index + 1 })),
        epoch: EPOCH,
      },
    },
  },
];

function longKeys(): string[] {
  return Array.from({ length: 128 }, (_, index) => String(128 - index).padStart(128, "k"));
}

testMatrix([
  ...ELSEWHERE_ROWS,
  ...LEADER_ROWS,
  ...UNSUPPORTED_ROWS,
  ...STORE_ROWS,
  ...ANSWERED_ROWS,
]);
