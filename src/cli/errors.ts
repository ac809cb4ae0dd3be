// SPDX-License-Identifier: Apache-2.0

/** How the process ends (style of the shell: 128 + number of the signal). */
export const EXIT = {
  /** The command did what it was asked. */
  ok: 0,
  /** The command was understood and failed. */
  failure: 1,
  /** The command line or the environment is wrong; nothing was done. */
  usage: 2,
  /** A server gave `bench` a timestamp twice, or out of order. */
  violation: 3,
  /** `seq` does not know whether its ordinals are spent. */
  unknown: 4,
  /** A second SIGINT forced the end. */
  SIGINT: 130,
  /** A second SIGTERM forced the end. */
  SIGTERM: 143,
} as const;

/** A value that a flag cannot take. The message is the rule; who reads the flag adds which one it is. */
export class ValueError extends Error {
  /** Makes the error from the rule that was broken. */
  constructor(rule: string) {
    super(rule);
    this.name = "ValueError";
  }
}

/** The command line or the environment is wrong. The process ends with code 2. */
export class UsageError extends Error {
  /** Makes the error from a message for the person at the terminal. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UsageError";
  }
}

/** Options of {@linkcode CommandError}. */
export interface CommandErrorOptions extends ErrorOptions {
  /**
   * How the process ends.
   *
   * @default {EXIT.failure}
   */
  readonly exitCode?: number;
}

/** The command failed for a reason that a person can act on. */
export class CommandError extends Error {
  /** How the process ends. */
  readonly exitCode: number;

  /** Makes the error from a message that says what failed and what to do. */
  constructor(message: string, options: CommandErrorOptions = {}) {
    super(message, options);
    this.name = "CommandError";
    this.exitCode = options.exitCode ?? EXIT.failure;
  }
}
