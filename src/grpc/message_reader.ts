// SPDX-License-Identifier: Apache-2.0

import { Code, ConnectError } from "@connectrpc/connect";
import { readUint32 } from "../http2/frames/frame_reader.ts";
import type { ByteSpan } from "../http2/stream.ts";

/** The bytes before a message: a flag and the length. */
const PREFIX_BYTES = 5;

/** The bit of the flag that says that the message is compressed. */
const COMPRESSED = 0x01;

const SMALL_BYTES = 64;

const NOTHING = new Uint8Array(0);

/** Puts a message behind its prefix. */
export function envelope(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** Reads the body of an answer that has one message at most, however it is cut. */
export class MessageReader {
  readonly #maxBytes: number;
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** Makes a reader with the largest message that it takes, in bytes. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How much is missing until it is known how long the message is, or else until that is whole, in bytes. */
  get missingBytes(): number {
    if (this.#length < PREFIX_BYTES) return PREFIX_BYTES - this.#length;
    return PREFIX_BYTES + this.#messageBytes - this.#length;
  }

  /**
   * Takes a part of the body, which is lent.
   *
   * @throws {ConnectError} if the message is too large, compressed, or not the only one
   */
  add(part: Uint8Array, { start, end }: ByteSpan): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length);
    this.#copy(part, start, end);
    this.#length = length;
    if (length < PREFIX_BYTES) return;
    const bytes = this.#messageBytes;
    if (bytes > this.#maxBytes) throw tooLarge(bytes, this.#maxBytes);
    if (length >= PREFIX_BYTES + bytes) this.#check(length - PREFIX_BYTES - bytes);
  }

  /**
   * The message, if there was one.
   *
   * @throws {ConnectError} if it is not whole
   */
  finish(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    if (this.missingBytes === 0) return this.#bytes.subarray(PREFIX_BYTES, this.#length);
    // Not INVALID_ARGUMENT, as Connect has it: that would seem to be the word of a server that has done nothing.
    throw new ConnectError("protocol error: incomplete envelope", Code.Internal);
  }

  get #messageBytes(): number {
    return readUint32(this.#bytes, 1);
  }

  /** A small message is copied faster by a loop than by a call into the runtime. */
  #copy(part: Uint8Array, start: number, end: number): void {
    let at = this.#length;
    if (end - start > SMALL_BYTES) return this.#bytes.set(part.subarray(start, end), at);
    for (let from = start; from < end; from++) this.#bytes[at++] = part[from] as number;
  }

  #grow(length: number): void {
    const isSmall = length <= SMALL_BYTES;
    const larger = new Uint8Array(isSmall ? length : Math.max(length, 2 * this.#bytes.length));
    if (this.#length > 0) larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  #check(surplusBytes: number): void {
    if (((this.#bytes[0] as number) & COMPRESSED) !== 0) {
      throw new ConnectError(
        "received compressed envelope, but do not know how to decompress",
        Code.Internal,
      );
    }
    if (surplusBytes === 0) return;
    throw new ConnectError(
      "protocol error: received extra output message for unary method",
      Code.Unimplemented,
    );
  }
}

function tooLarge(bytes: number, maxBytes: number): ConnectError {
  return new ConnectError(
    `message size ${bytes} is larger than configured readMaxBytes ${maxBytes}`,
    Code.ResourceExhausted,
  );
}
