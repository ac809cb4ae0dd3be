// SPDX-License-Identifier: Apache-2.0

/**
 * Why bytes were refused:
 * - `corrupt`: the record has a wrong magic, checksum or length;
 * - `truncated`: the record ends too early;
 * - `unsupported-version`: the record was written by a newer release, or by something else;
 * - `out-of-range`: the record is whole, but a number in it is too large.
 */
export type RecordErrorCode = "corrupt" | "truncated" | "unsupported-version" | "out-of-range";

/** Options of {@linkcode RecordError}. */
export interface RecordErrorOptions extends ErrorOptions {
  /** The file or the key that the bytes come from. */
  readonly path: string;
}

/** Bytes that are not exactly one record. What an operator can do depends on where they were kept. */
export class RecordError extends Error {
  /** Why, for programs. */
  readonly code: RecordErrorCode;
  /** The file or the key that the bytes come from. */
  readonly path: string;

  /** Makes an error with a machine-readable code. */
  constructor(code: RecordErrorCode, message: string, options: RecordErrorOptions) {
    super(message, options);
    this.name = "RecordError";
    this.code = code;
    this.path = options.path;
  }
}
