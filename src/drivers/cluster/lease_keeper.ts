// SPDX-License-Identifier: Apache-2.0

import { FencedError } from "../../consensus/errors.ts";
import type { Epoch } from "../../core/epoch.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { GroupWriter } from "../group_writer.ts";
import { Attempts, lateAnswer } from "./attempts.ts";
import type { AttemptsOptions } from "./attempts.ts";
import type { ClusterStore, StoreCallOptions } from "./store.ts";

/** What a {@linkcode LeaseKeeper} works with. */
export interface LeaseKeeperOptions extends AttemptsOptions {
  /** The engine. */
  readonly store: ClusterStore;
  /** Makes the store ready. */
  readonly prepare: () => Promise<void>;
  /** Fires when the driver is closed. */
  readonly ended: AbortSignal;
}

interface Replacement {
  readonly leases: readonly LeaseRecord[];
  readonly epoch: Epoch;
}

type Outcome = PromiseSettledResult<void>;

/**
 * The leases of a store. Each write replaces all of them, so of the sets that wait for a write only the last is
 * written, and stands for those before it.
 *
 * Order: one write is under way at a time, and each changes the version that it asks for. So once a replacement is
 * answered, one that failed before it asks for a version that will never come again.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #writer: GroupWriter<Replacement, void>;
  /** The version that the store has; `undefined` if a write may have changed it. */
  #version: string | undefined;

  /** Begins without knowing any lease. */
  constructor(options: LeaseKeeperOptions) {
    const { clock, callTimeoutMs, prepare, ended } = options;
    this.#options = options;
    this.#writer = new GroupWriter({
      prepare,
      write: (group) => this.#write(group),
      deadlineMs: callTimeoutMs,
      clock,
      late: () => lateAnswer(callTimeoutMs),
      ended,
    });
  }

  /** The durable leases. */
  async load(options: StoreCallOptions): Promise<readonly LeaseRecord[]> {
    return (await this.#options.store.readLeases(options)).leases;
  }

  /**
   * Makes some leases the durable ones.
   *
   * @param signal counts until the write begins
   */
  async replace(
    leases: readonly LeaseRecord[],
    epoch: Epoch,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#writer.submit({ leases: [...leases], epoch }, signal);
  }

  /** Waits for the write that is under way. It never rejects. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }

  /** Sets of an earlier term than others in the group were overtaken. */
  async #write(group: readonly Replacement[]): Promise<readonly Outcome[]> {
    const epoch = group.reduce((max, set) => set.epoch > max ? set.epoch : max, 0n);
    for (const last of group.filter((set) => set.epoch === epoch).slice(-1)) {
      await this.#persist(last);
    }
    return group.map((set) =>
      set.epoch === epoch
        ? { status: "fulfilled", value: undefined }
        : { status: "rejected", reason: new FencedError(set.epoch, epoch) }
    );
  }

  /** A conflict says that an earlier write has arrived, perhaps this one: to write it again is harmless. */
  async #persist({ leases, epoch }: Replacement): Promise<void> {
    const { store } = this.#options;
    const attempts = new Attempts(this.#options);
    try {
      for (;;) {
        const version = this.#version ?? await this.#readVersion(attempts);
        const write = { version, leases };
        const outcome = await attempts.write((limits) => store.writeLeases(write, epoch, limits));
        this.#version = outcome.kind === "written" ? outcome.version : undefined;
        if (outcome.kind === "written") return;
      }
    } catch (error) {
      this.#version = undefined;
      throw attempts.faultOf(error, "the leases were replaced");
    }
  }

  async #readVersion(attempts: Attempts): Promise<string> {
    const { store } = this.#options;
    return (await attempts.read((limits) => store.readLeases(limits))).version;
  }
}
