// SPDX-License-Identifier: Apache-2.0

/**
 * Why a state directory was refused:
 * - `locked`: another process holds the directory, or its LOCK file was replaced;
 * - `lock-unsupported`: this system gives no lock that can be trusted;
 * - `corrupt`: the record has a wrong magic, checksum or length, or is no regular file;
 * - `truncated`: the record ends too early;
 * - `unsupported-version`: the record was written by a newer release, or by something else;
 * - `out-of-range`: the record is whole, but a number in it is too large, such as a high-water beyond 46 bits;
 * - `behind-leases`: a lease allows more than the high-water, so the state was lost, rolled back or seeded too
 *   low, and timestamps would repeat;
 * - `exists`: there is a state already, and only a new one may be seeded;
 * - `io`: the operating system refused; the cause says why.
 */
export type FileStateErrorCode =
  | "locked"
  | "lock-unsupported"
  | "corrupt"
  | "truncated"
  | "unsupported-version"
  | "out-of-range"
  | "behind-leases"
  | "exists"
  | "io";

/** Options of {@linkcode FileStateError}. */
export interface FileStateErrorOptions extends ErrorOptions {
  /** The file or directory that the error is about. */
  readonly path: string;
}

/**
 * A state directory that cannot be used as it is. The message says what was found and what to do; nothing
 * is ever repaired automatically, because a guess could issue a timestamp or an ordinal twice.
 */
export class FileStateError extends Error {
  /** Why, for programs. */
  readonly code: FileStateErrorCode;
  /** The file or directory that the error is about. */
  readonly path: string;

  /** Makes an error with a machine-readable code. */
  constructor(code: FileStateErrorCode, message: string, options: FileStateErrorOptions) {
    super(message, options);
    this.name = "FileStateError";
    this.code = code;
    this.path = options.path;
  }
}
