// SPDX-License-Identifier: Apache-2.0

import { PermanentError, UnavailableError } from "../../../src/consensus/errors.ts";
import type { Failpoint } from "../../../src/core/failpoint.ts";
import type { RecordName } from "../../../src/drivers/file/state_directory.ts";

const STEPS = [
  "before_open",
  "after_open_before_write",
  "after_write_before_fsync",
  "after_fsync_before_rename",
  "after_rename_before_dir_fsync",
  "after_dir_fsync",
] as const;

/** From this step on the new value is what a reader finds. */
export const FIRST_RENAMED = STEPS.indexOf("after_rename_before_dir_fsync");

/** The failpoints of a write of a file, in their order. */
export function writeStepsOf(name: RecordName): readonly string[] {
  return STEPS.map((step) => `file::${name}::${step}`);
}

/** The failpoints of a write of the state, in their order. */
export const WRITE_STEPS = writeStepsOf("state");

/** A fault as the operating system reports it. */
export function systemFault(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}

/** Fails at one step, each time it is reached. */
export function failingAt(step: string, fault: Error = systemFault("EIO", "i/o error")): Failpoint {
  return (name) => {
    if (name === step) throw fault;
  };
}

/** Fails at one step, but only the first time. */
export function failingOnceAt(step: string): Failpoint {
  const failing = failingAt(step);
  let failed = false;
  return (name) => {
    if (failed || name !== step) return;
    failed = true;
    return failing(name);
  };
}

/** Holds the first write at one step until it is let go. */
export class HeldStep {
  readonly #reached = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  readonly #step: string;
  /** How often the step was reached. */
  count = 0;

  constructor(step: string) {
    this.#step = step;
  }

  readonly failpoint: Failpoint = async (name) => {
    if (name !== this.#step) return;
    this.count++;
    this.#reached.resolve();
    await this.#released.promise;
  };

  /** Waits until a write is held. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  release(): void {
    this.#released.resolve();
  }
}

/** Whether an error is a permanent one whose message matches. */
export function permanent(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof PermanentError && message.test(error.message);
}

/** Whether an error promises that nothing was written, and its message matches. */
export function wroteNothing(message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof UnavailableError && message.test(error.message) &&
    error.message.endsWith("; this call wrote nothing");
}
