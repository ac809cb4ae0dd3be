// SPDX-License-Identifier: Apache-2.0

/** Takes text: the standard output of a process, or a test's list. */
export interface TextOutput {
  /** Writes the text as it is. */
  write(text: string): void;
}

/** A request to stop. */
export type StopSignal = "SIGINT" | "SIGTERM";

/** Where requests to stop come from. */
export interface SignalSource {
  /**
   * Calls `listener` at each signal. While nobody subscribes, a signal ends the process as usual.
   *
   * @returns ends the subscription
   */
  subscribe(listener: (signal: StopSignal) => void): () => void;
}

/** The process around the command line, so that a test can stand in for it. */
export interface CliContext {
  /** The arguments, without the program's name. */
  readonly args: readonly string[];
  /** The environment. Only names that start with `TSORACLE_` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes data, and nothing else. */
  readonly stdout: TextOutput;
  /** Takes messages and logs. */
  readonly stderr: TextOutput;
  /** Tells when the process is asked to stop. */
  readonly signals: SignalSource;
}
