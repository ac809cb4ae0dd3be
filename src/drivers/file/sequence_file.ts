// SPDX-License-Identifier: Apache-2.0

import { SystemClock } from "../../clock/system_clock.ts";
import { takeSequences } from "../../consensus/take_sequences.ts";
import { DEFAULT_MAX_SEQUENCE_KEYS } from "../../core/sequence.ts";
import type { SequenceRequest } from "../../core/sequence.ts";
import { SequenceCounters } from "../../core/sequence_counters.ts";
import { GroupWriter } from "../group_writer.ts";
import { DenseRecord } from "../records/dense_record.ts";
import { failedWrite, lateStart, lateWrite, stillInDoubt } from "./record_fault.ts";
import type { FileLimits } from "./record_fault.ts";
import { RecordFile } from "./record_file.ts";
import type { StateDirectory } from "./state_directory.ts";

/** What a {@linkcode SequenceFile} works under. */
export interface SequenceFileOptions extends FileLimits {
  /** How many keys there may be. Absent: as the file says. */
  readonly maxSequenceKeys: number | undefined;
}

type Requests = readonly SequenceRequest[];
type Starts = readonly bigint[];

/** The sequences of a directory, in its file `dense`. Calls that come together share one durable write. */
export class SequenceFile {
  readonly #file: RecordFile<DenseRecord>;
  readonly #path: string;
  readonly #maxKeys: number | undefined;
  readonly #writer: GroupWriter<Requests, Starts>;

  private constructor(file: RecordFile<DenseRecord>, path: string, options: SequenceFileOptions) {
    const { deadlineMs, ended, maxSequenceKeys } = options;
    this.#file = file;
    this.#path = path;
    this.#maxKeys = maxSequenceKeys;
    this.#writer = new GroupWriter({
      prepare: () => this.#certain(),
      write: (group) => this.#write(group),
      late: (begun) => (begun ? lateWrite : lateStart)(path, deadlineMs),
      deadlineMs,
      clock: new SystemClock(),
      ended,
    });
  }

  /**
   * Reads the sequences of a locked directory.
   *
   * @throws {FileStateError} if the file cannot be read, or is no whole record
   */
  static async open(
    directory: StateDirectory,
    options: SequenceFileOptions,
  ): Promise<SequenceFile> {
    const file = await RecordFile.open(directory, {
      name: "dense",
      empty: DenseRecord.of(DEFAULT_MAX_SEQUENCE_KEYS),
      decode: DenseRecord.decode,
    });
    return new SequenceFile(file, directory.pathOf("dense"), options);
  }

  /**
   * The next ordinal of a sequence, as far as it is durable.
   *
   * @throws {PermanentError} if a write has failed and the file cannot be read again
   */
  async next(key: string): Promise<bigint> {
    return (await this.#certain()).get(key) ?? 0n;
  }

  /**
   * Takes a block of each of several sequences, or of none.
   *
   * @param signal counts until the write begins
   * @returns the first ordinal of each, once they are durable
   */
  async take(requests: Requests, signal: AbortSignal | undefined): Promise<Starts> {
    // The write comes later, and the caller may have changed its objects by then.
    const asked = requests.map(({ key, count }) => ({ key, count }));
    return await this.#writer.submit(asked, signal);
  }

  /** Waits for the write that is under way. It never rejects. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }

  async #certain(): Promise<DenseRecord> {
    try {
      return await this.#file.certain();
    } catch (cause) {
      throw stillInDoubt(this.#path, cause);
    }
  }

  /**
   * A call of a group sees what those before it took. All are answered after the write, refused ones too:
   * what stood in their way was not durable before.
   */
  async #write(group: readonly Requests[]): Promise<readonly PromiseSettledResult<Starts>[]> {
    const { durable } = this.#file;
    const counters = new SequenceCounters(this.#maxKeys ?? durable.keyLimit, durable);
    const outcomes = group.map((requests) => tryToTake(counters, requests));
    if (counters.moved.size > 0) await this.#persist(counters);
    return outcomes;
  }

  async #persist(counters: SequenceCounters): Promise<void> {
    const next = this.#file.durable.with(counters.moved, counters.keyLimit);
    try {
      await this.#file.write(next);
    } catch (cause) {
      throw failedWrite(this.#path, cause);
    }
  }
}

function tryToTake(counters: SequenceCounters, requests: Requests): PromiseSettledResult<Starts> {
  try {
    return { status: "fulfilled", value: takeSequences(counters, requests) };
  } catch (reason) {
    return { status: "rejected", reason };
  }
}
