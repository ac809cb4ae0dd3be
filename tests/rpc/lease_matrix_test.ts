// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import {
  AdvanceOutOfRangeError,
  FencedError,
  NotLeaderError,
  PermanentError,
  TransientError,
} from "../../src/consensus/errors.ts";
import type { LeaseRecord } from "../../src/core/lease_table.ts";
import { PHYSICAL_MS_MAX } from "../../src/core/timestamp.ts";
import type { OracleRig } from "../_support/oracle_rig.ts";
import { leaseRecord } from "../server/_support/leases.ts";
import { doubt, ELSEWHERE, follow, invalid, lead, notLeader, refused } from "./_support/matrix.ts";
import type { MatrixCall, MatrixRow, Refused } from "./_support/matrix.ts";
import { testMatrix } from "./_support/transports.ts";

const EPOCH = { hi: 1n, lo: 3n };
const U64_MAX = (1n << 64n) - 1n;
const NO_LEASES = { without: ["loadLeases", "persistLeases"] } as const;
const UNSUPPORTED = refused(
  Code.Unimplemented,
  "leases are not supported by this consensus driver",
);

interface Claim {
  readonly holder?: Uint8Array;
  readonly holderEpoch?: bigint;
  readonly ttlMs?: bigint;
}

function acquire(claim: Claim = {}): MatrixCall {
  const holder = new TextEncoder().encode("a");
  return (client) => client.acquireLease({ holder, holderEpoch: 1n, ttlMs: 10_000n, ...claim });
}

function renew(leaseId: bigint): MatrixCall {
  return (client) => client.renewLease({ leaseId });
}

function release(leaseId: bigint): MatrixCall {
  return (client) => client.releaseLease({ leaseId });
}

function frontier(): MatrixCall {
  return (client) => client.getSafeFrontier({});
}

/** A leader whose store held these leases, at 1000000 on its clock. */
function leadWith(...leases: readonly LeaseRecord[]): MatrixRow["node"] {
  return async (rig) => {
    rig.driver.leases = leases;
    await lead(rig);
  };
}

/** After the fence nothing was persisted, but for the refill that follows it. */
function wroteNothing({ driver }: OracleRig): void {
  assert(driver.persists.every(({ atLeastMs }) => atLeastMs <= 1_003_000));
  assert.equal(driver.leasePersists.length, 0);
}

const CALLS: readonly (readonly [string, MatrixCall])[] = [
  ["AcquireLease", acquire()],
  [
    "AcquireLease without a holder and with a ttl of 0",
    acquire({ holder: new Uint8Array(), ttlMs: 0n }),
  ],
  ["RenewLease", renew(1_000_000n)],
  ["RenewLease of an unknown id", renew(7n)],
  ["ReleaseLease", release(1_000_000n)],
  ["ReleaseLease of an unknown id", release(7n)],
];

const ELSEWHERE_ROWS = CALLS.flatMap(([what, call]) =>
  ELSEWHERE.flatMap(([where, node, hint]): MatrixRow[] => [
    { name: `${what} on ${where}`, node, call, answer: notLeader(hint), after: wroteNothing },
    {
      name: `${what} on ${where} whose driver has no leases`,
      options: NO_LEASES,
      node,
      call,
      answer: notLeader(hint),
      after: wroteNothing,
    },
  ])
);

const HOLDER = /^the holder must have 1 to 128 bytes: it has (0|129)$/;
const INVALID: readonly (readonly [string, MatrixCall, Refused])[] = [
  ["without a holder", acquire({ holder: new Uint8Array() }), invalid(HOLDER)],
  ["of a holder of 129 bytes", acquire({ holder: new Uint8Array(129) }), invalid(HOLDER)],
  [
    "with a ttl of 4999 ms",
    acquire({ ttlMs: 4_999n }),
    invalid("ttl_ms must be 5000 to 300000: it is 4999"),
  ],
  [
    "with a ttl of 300001 ms",
    acquire({ ttlMs: 300_001n }),
    invalid("ttl_ms must be 5000 to 300000: it is 300001"),
  ],
  [
    "with the longest ttl on the wire",
    acquire({ ttlMs: U64_MAX }),
    invalid(`ttl_ms must be 5000 to 300000: it is ${U64_MAX}`),
  ],
  [
    "without a holder and with a ttl of 0: the holder comes first",
    acquire({ holder: new Uint8Array(), ttlMs: 0n }),
    invalid(HOLDER),
  ],
];
const INVALID_ROWS = INVALID.flatMap(([what, call, answer]): MatrixRow[] => [
  { name: `AcquireLease ${what} on the leader`, node: lead, call, answer, after: wroteNothing },
  {
    name: `AcquireLease ${what} on the leader whose driver has no leases`,
    options: NO_LEASES,
    node: lead,
    call,
    answer,
    after: wroteNothing,
  },
]);

const UNSUPPORTED_ROWS = ([
  ["AcquireLease", acquire()],
  ["RenewLease of an unknown id", renew(7n)],
  ["ReleaseLease of an unknown id", release(7n)],
] as const).flatMap(([what, call]): MatrixRow[] =>
  ([["loadLeases", "persistLeases"], ["loadLeases"], ["persistLeases"]] as const).map((
    without,
  ) => ({
    name: `${what} on the leader whose driver lacks ${without.join(" and ")}`,
    options: { without },
    node: lead,
    call,
    answer: UNSUPPORTED,
    after: wroteNothing,
  }))
);

const HELD = leaseRecord({ holderEpoch: 5n });
const SUPERSEDED = leaseRecord({ superseded: true });
const NEXT = leaseRecord({ leaseId: 1_000_001, boundMs: 1_000_001, holderEpoch: 6n });

const TABLE_ROWS: readonly MatrixRow[] = [
  {
    name: "AcquireLease behind the epoch that holds the lease",
    node: leadWith(HELD),
    call: acquire({ holderEpoch: 4n }),
    answer: refused(
      Code.FailedPrecondition,
      "holder_epoch 4 is behind 5, which holds the lease",
    ),
    after: wroteNothing,
  },
  {
    name: "AcquireLease where there are as many leases as there may be",
    options: { maxLeases: 1 },
    node: leadWith(HELD),
    call: acquire({ holder: Uint8Array.of(0) }),
    answer: refused(Code.ResourceExhausted, /^there are 1 leases, which is the maximum/),
    after: wroteNothing,
  },
  {
    name: "AcquireLease of a bound beyond 46 bits",
    options: { maxLeaseTtlMs: PHYSICAL_MS_MAX },
    node: lead,
    call: acquire({ ttlMs: BigInt(PHYSICAL_MS_MAX) }),
    answer: refused(Code.Internal, /exceeds 46-bit timestamp field$/),
    after: wroteNothing,
  },
  {
    name: "RenewLease at the expiry",
    node: async (rig) => {
      await leadWith(HELD)(rig);
      rig.clock.jumpTo(HELD.expiresAtMs);
    },
    call: renew(1_000_000n),
    answer: refused(
      Code.FailedPrecondition,
      "lease 1000000 expired at 1005000; acquire a new one",
    ),
    after: ({ driver }) => assert.equal(driver.leasePersists.length, 0),
  },
  {
    name: "RenewLease of a superseded lease",
    node: leadWith(SUPERSEDED, NEXT),
    call: renew(1_000_000n),
    answer: refused(
      Code.FailedPrecondition,
      "lease 1000000 was superseded by the holder's epoch 6",
    ),
    after: wroteNothing,
  },
  ...[7n, 0n, 9_007_199_254_740_993n, U64_MAX].map((id): MatrixRow => ({
    name: `RenewLease of the id ${id}, which nobody has`,
    node: leadWith(HELD),
    call: renew(id),
    answer: refused(Code.NotFound, `no lease has the id ${id}; acquire a new one`),
    after: wroteNothing,
  })),
  {
    name: "RenewLease of a lease that had expired when this node took over",
    node: leadWith(leaseRecord({ expiresAtMs: 1_000_000 })),
    call: renew(1_000_000n),
    answer: refused(Code.NotFound, "no lease has the id 1000000; acquire a new one"),
    after: wroteNothing,
  },
  ...[7n, 0n, U64_MAX].map((id): MatrixRow => ({
    name: `ReleaseLease of the id ${id}, which nobody has, is OK`,
    node: leadWith(HELD),
    call: release(id),
    answer: { fields: {} },
    after: wroteNothing,
  })),
  {
    name: "ReleaseLease of an expired lease is OK",
    node: async (rig) => {
      await leadWith(HELD)(rig);
      rig.clock.jumpTo(HELD.expiresAtMs);
    },
    call: release(1_000_000n),
    answer: { fields: {} },
    after: ({ driver }) => assert.equal(driver.leasePersists.length, 0),
  },
];

const ANSWERED_ROWS: readonly MatrixRow[] = [
  {
    name: "AcquireLease answers id, bound, expiry and epoch",
    node: lead,
    call: acquire({ holder: new Uint8Array(128), holderEpoch: U64_MAX, ttlMs: 300_000n }),
    answer: {
      fields: {
        leaseId: 1_300_000n,
        tsUpperBound: 1_300_000n,
        expiresAtMs: 1_300_000n,
        epoch: EPOCH,
      },
    },
    after: ({ driver }) => assert.equal(driver.leases[0]?.holderEpoch, U64_MAX),
  },
  {
    name: "AcquireLease of the live lease answers it unchanged",
    node: leadWith(HELD),
    call: acquire({ holderEpoch: 5n, ttlMs: 300_000n }),
    answer: {
      fields: {
        leaseId: 1_000_000n,
        tsUpperBound: 1_000_000n,
        expiresAtMs: 1_005_000n,
        epoch: EPOCH,
      },
    },
    after: wroteNothing,
  },
  {
    name: "RenewLease answers bound, expiry and epoch",
    node: leadWith(HELD),
    call: renew(1_000_000n),
    answer: { fields: { tsUpperBound: 1_010_000n, expiresAtMs: 1_010_000n, epoch: EPOCH } },
  },
  {
    name: "ReleaseLease of a live lease is OK",
    node: leadWith(HELD),
    call: release(1_000_000n),
    answer: { fields: {} },
    after: ({ driver }) => assert.deepEqual(driver.leases, []),
  },
];

const FAULTS: readonly (readonly [string, Error, (what: string) => Refused])[] = [
  [
    "a transient fault",
    new TransientError("no answer"),
    (what) => refused(Code.Unavailable, `${what}: no answer`),
  ],
  [
    "a permanent fault",
    new PermanentError("the disk is gone"),
    (what) => refused(Code.Internal, `${what}: the disk is gone`),
  ],
  [
    "a store that says out of range",
    new AdvanceOutOfRangeError(2 ** 46),
    (what) => refused(Code.Internal, `${what}: ${new AdvanceOutOfRangeError(2 ** 46).message}`),
  ],
  ["a store that says not leader", new NotLeaderError(), () => notLeader("")],
  ["a store that is fenced", new FencedError(1n, 7n), () => notLeader("12021007")],
];

const STORE_ROWS = FAULTS.flatMap(([fault, error, answer]) =>
  ([
    ["AcquireLease", acquire({ holder: Uint8Array.of(1) }), "beforePersist", "persist"],
    [
      "AcquireLease",
      acquire({ holder: Uint8Array.of(1) }),
      "beforePersistLeases",
      "persist leases",
    ],
    ["RenewLease", renew(1_000_000n), "beforePersist", "persist"],
    ["RenewLease", renew(1_000_000n), "beforePersistLeases", "persist leases"],
    ["ReleaseLease", release(1_000_000n), "beforePersistLeases", "persist leases"],
  ] as const).map(([what, call, step, verb]): MatrixRow => ({
    name: `${what} that meets ${fault} (${verb})`,
    node: async (rig) => {
      await leadWith(HELD)(rig);
      rig.driver[step] = () => {
        throw error;
      };
    },
    call,
    answer: answer(verb),
    after: ({ driver }) => assert.deepEqual(driver.leases, [HELD], "nothing was replaced"),
  }))
);

const ZERO = { fields: { frontierPhysicalMs: 0n, epochHi: 0n, epochLo: 0n } };
const FRONTIER_ROWS: readonly MatrixRow[] = [
  ...ELSEWHERE.map(([where, node]): MatrixRow => ({
    name: `GetSafeFrontier on ${where} is zero and no error`,
    node,
    call: frontier(),
    answer: ZERO,
  })),
  {
    name: "GetSafeFrontier on the leader is the smallest bound",
    node: leadWith(NEXT, SUPERSEDED),
    call: frontier(),
    answer: { fields: { frontierPhysicalMs: 1_000_000n, epochHi: 1n, epochLo: 3n } },
  },
  {
    name: "GetSafeFrontier on the leader whose driver has no leases is the high-water",
    options: NO_LEASES,
    node: lead,
    call: frontier(),
    answer: { fields: { frontierPhysicalMs: 1_003_000n, epochHi: 1n, epochLo: 3n } },
  },
  {
    name: "GetSafeFrontier on a follower whose driver has no leases is zero",
    options: NO_LEASES,
    node: follow,
    call: frontier(),
    answer: ZERO,
  },
  {
    name: "GetSafeFrontier on a leader in doubt with leases is zero",
    node: async (rig) => {
      rig.driver.leases = [HELD];
      await doubt(rig);
    },
    call: frontier(),
    answer: ZERO,
  },
];

testMatrix([
  ...ELSEWHERE_ROWS,
  ...INVALID_ROWS,
  ...UNSUPPORTED_ROWS,
  ...TABLE_ROWS,
  ...ANSWERED_ROWS,
  ...STORE_ROWS,
  ...FRONTIER_ROWS,
]);
