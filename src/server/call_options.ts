// SPDX-License-Identifier: Apache-2.0

/** Options of a call that may wait for the engine. */
export interface CallOptions {
  /** Fires when the caller has gone: a wait then ends with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
