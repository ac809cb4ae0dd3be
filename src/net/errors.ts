// SPDX-License-Identifier: Apache-2.0

/**
 * Why a server did not start:
 * - `insecure-address`: plaintext on an address that others can reach, and nobody said that this is meant;
 * - `bad-certificate`: certificate, key or client authority cannot be used;
 * - `address-in-use`: another process listens there;
 * - `address-unavailable`: this machine has no such address;
 * - `address-forbidden`: this process may not listen there;
 * - `listen-failed`: anything else that the system said.
 */
export type ServeErrorCode =
  | "insecure-address"
  | "bad-certificate"
  | "address-in-use"
  | "address-unavailable"
  | "address-forbidden"
  | "listen-failed";

/** A server that did not start. Nothing is left open. */
export class ServeError extends Error {
  /** Why, for programs. */
  readonly code: ServeErrorCode;

  /** Makes an error with a machine-readable code. */
  constructor(code: ServeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServeError";
    this.code = code;
  }
}
