// SPDX-License-Identifier: Apache-2.0

/** What a {@linkcode CoreError} is about. */
export type CoreErrorCode =
  | "physical-ms-out-of-range"
  | "logical-out-of-range"
  | "timestamp-out-of-range"
  | "epoch-out-of-range"
  | "invalid-leadership-window"
  | "invalid-endpoint";

/** A value that the pure part of the oracle cannot accept: a bug or bad input, never a passing fault. */
export class CoreError extends Error {
  /** Which rule was broken. */
  readonly code: CoreErrorCode;

  /** Makes an error with a machine-readable code and a message that names the value and the rule. */
  constructor(code: CoreErrorCode, message: string) {
    super(message);
    this.name = "CoreError";
    this.code = code;
  }
}
