// SPDX-License-Identifier: Apache-2.0

/**
 * The socket below a connection, as far as the protocol needs it. Who holds the socket calls `receive`, `drained` and
 * `lost` of the connection. No method may lead to a call of `receive` before it returns, of whichever connection: what
 * is kept for the time of a read is shared by all of them.
 */
export interface Transport {
  /**
   * Sends bytes, which nobody changes afterwards while some wait.
   *
   * @returns how many bytes wait to go out, these included; 0 if whoever gave the bytes may use them again at once
   */
  write(bytes: Uint8Array): number;

  /** Stops receiving until `resume`: a peer that does not take its answers gives no more work. */
  pause(): void;

  /** Receives again. */
  resume(): void;

  /** Closes the sending side, after all that was written. */
  end(): void;

  /** Closes at once, both sides. */
  destroy(): void;
}
