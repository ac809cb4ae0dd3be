// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import type { LeaseRecord } from "../../core/lease_table.ts";
import { GroupWriter } from "../group_writer.ts";
import { decodeLeaseRecord, encodeLeaseRecord } from "../records/lease_record.ts";
import { failedWrite, lateStart, lateWrite, stillInDoubt } from "./record_fault.ts";
import type { FileLimits } from "./record_fault.ts";
import { RecordFile } from "./record_file.ts";
import type { StateDirectory } from "./state_directory.ts";

/** Leases, and the same as a record. */
interface LeaseSet {
  readonly leases: readonly LeaseRecord[];
  readonly bytes: Uint8Array;
}

/**
 * The leases of a directory, in its file `leases`. Each write replaces all of them, so of the sets that wait
 * for a write only the last is written, and stands for those before it.
 */
export class LeaseFile {
  readonly #file: RecordFile<LeaseSet>;
  readonly #path: string;
  readonly #writer: GroupWriter<LeaseSet, void>;

  private constructor(file: RecordFile<LeaseSet>, path: string, limits: FileLimits) {
    this.#file = file;
    this.#path = path;
    this.#writer = new GroupWriter({
      ...limits,
      clock: new SystemClock(),
      prepare: () => this.#certain(),
      write: (group) => this.#write(group),
      late: (begun) => (begun ? lateWrite : lateStart)(path, limits.deadlineMs),
    });
  }

  /**
   * Reads the leases of a locked directory.
   *
   * @throws {FileStateError} if the file cannot be read, or is no whole record
   */
  static async open(directory: StateDirectory, limits: FileLimits): Promise<LeaseFile> {
    const file = await RecordFile.open(directory, {
      name: "leases",
      empty: leaseSet([]),
      decode: (bytes, path) => ({ leases: decodeLeaseRecord(bytes, path), bytes }),
    });
    return new LeaseFile(file, directory.pathOf("leases"), limits);
  }

  /**
   * The durable leases.
   *
   * @throws {PermanentError} if a write has failed and the file cannot be read again
   */
  async load(): Promise<readonly LeaseRecord[]> {
    return (await this.#certain()).leases;
  }

  /**
   * Makes some leases the durable ones.
   *
   * @param signal counts until the write begins
   * @throws {RangeError} if a lease does not fit the record
   */
  async replace(
    leases: readonly LeaseRecord[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#writer.submit(leaseSet(leases), signal);
  }

  /** Waits for the write that is under way. It never rejects. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }

  async #certain(): Promise<LeaseSet> {
    try {
      return await this.#file.certain();
    } catch (cause) {
      throw stillInDoubt(this.#path, cause);
    }
  }

  async #write(group: readonly LeaseSet[]): Promise<readonly PromiseSettledResult<void>[]> {
    try {
      for (const last of group.slice(-1)) await this.#file.write(last);
    } catch (cause) {
      throw failedWrite(this.#path, cause);
    }
    return group.map(() => ({ status: "fulfilled", value: undefined }));
  }
}

function leaseSet(leases: readonly LeaseRecord[]): LeaseSet {
  return { leases: [...leases], bytes: encodeLeaseRecord(leases) };
}
