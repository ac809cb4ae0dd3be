// SPDX-License-Identifier: Apache-2.0

/** Why a stream or a connection ends (RFC 9113, 7). */
export const ERROR_CODE = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  flowControlError: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSizeError: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compressionError: 0x9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/**
 * The peer broke a rule in a way that ends the connection: what was received after it cannot be trusted
 * (RFC 9113, 5.4.1).
 */
export class ConnectionFault extends Error {
  /** The code of GOAWAY. */
  readonly code: number;

  /** Makes a fault with a code of RFC 9113, 7, and a sentence for the log of the peer. */
  constructor(code: number, message: string) {
    super(message);
    this.name = "ConnectionFault";
    this.code = code;
  }
}
