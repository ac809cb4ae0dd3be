// SPDX-License-Identifier: Apache-2.0

import { expect, expectFailure, expectSame, until } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";

const HOLDER = "group-a";
/** Renewed at a third of it; a machine that stops for two thirds of it loses the lease. */
const TTL_MS = 6_000;

/** Settles when the signal fires. */
function fired(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** A lease that outlives leaders. */
export const heldLease: Scenario = {
  name: "a lease is held over renewals and a change of the leader, and released in the end",
  async run(scene) {
    const cluster = await scene.open({}, {});
    const client = scene.connect({ cluster });
    const lease = await client.holdLease(HOLDER, { ttlMs: TTL_MS });
    const { leaseId, boundMs } = lease;
    await cluster.renewed(1);
    await cluster.elect(1);
    await until("a renewal by the new leader", () => lease.epoch === 2n || lease.signal.aborted);
    expect(!lease.signal.aborted, `the lease was lost: ${lease.signal.reason}`);
    expect(lease.mayStamp(boundMs), "the holder may not stamp what it was granted");
    expectSame(lease.leaseId, leaseId, "the lease");
    expect(lease.boundMs > boundMs, "renewals did not move the bound");
    await lease.release();
    expect(lease.signal.aborted, "the signal did not fire at the release");
    expect(!lease.mayStamp(boundMs), "the holder of a released lease may stamp");
    await expectFailure(client.renewLease(leaseId), "refused");
  },
};

/** A lease that another one takes over. */
export const supersededLease: Scenario = {
  name: "the signal of a lease fires when its holder's next generation has taken it",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster });
    const lease = await client.holdLease(HOLDER, { ttlMs: TTL_MS });
    const { boundMs } = lease;
    const lost = fired(lease.signal);
    await cluster.supersede(HOLDER);
    const reason = await lost;
    expect(reason instanceof Error && /superseded/.test(reason.message), `the reason is ${reason}`);
    expect(!lease.mayStamp(boundMs), "the holder of a lost lease may stamp");
    await lease.release();
  },
};

/** A lease that cannot be renewed. */
export const unreachableLease: Scenario = {
  name: "the signal of a lease fires in time when no server can be reached",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster });
    const lease = await client.holdLease(HOLDER, { ttlMs: TTL_MS / 2 });
    const lost = fired(lease.signal);
    await cluster.do("freeze", 0);
    await lost;
    expect(!lease.mayStamp(lease.boundMs), "the holder of an expired lease may stamp");
    await cluster.do("down", 0);
    await lease.release();
  },
};

/** The end of the client. */
export const closeWithLease: Scenario = {
  name: "close() ends a held lease: its signal fires",
  async run(scene) {
    const cluster = await scene.open({});
    const client = scene.connect({ cluster });
    const lease = await client.holdLease(HOLDER, { ttlMs: TTL_MS });
    await client.close();
    expect(lease.signal.aborted, "the signal has not fired");
  },
};
