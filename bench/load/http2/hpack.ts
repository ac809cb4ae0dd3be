// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { decodeHuffman } from "./huffman.ts";

/** Header fields by name. Of a repeated one the last counts. */
export type HeaderFields = Readonly<Record<string, string>>;

/** Fields with a value in the static table (RFC 7541, appendix A); index 2 is the first. */
const WITH_VALUE = [
  ":method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200",
  ":status 204|:status 206|:status 304|:status 400|:status 404|:status 500",
].join("|").split("|").map((field) => field.split(" "));

/** Names without a value; index 15 is the first. `accept-encoding`, index 16, is taken as a name as well. */
const NAMES = (
  "accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age " +
  "allow authorization cache-control content-disposition content-encoding content-language content-length " +
  "content-location content-range content-type cookie date etag expect expires from host if-match " +
  "if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards " +
  "proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie " +
  "strict-transport-security transfer-encoding user-agent vary via www-authenticate"
).split(" ");

const FIRST_WITH_VALUE = 2;
const FIRST_NAME = 15;
const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const SIZE_UPDATE = 0x20;

/** Encodes fields as literals, which needs no state on either side. */
export function encodeFields(fields: HeaderFields): Buffer {
  const parts = Object.entries(fields).flatMap(([name, value]) => [
    Buffer.from([0]),
    literal(name),
    literal(value),
  ]);
  return Buffer.concat(parts);
}

function literal(text: string): Buffer {
  if (text.length >= 0x7f) throw new RangeError(`the header is too long: ${text}`);
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
}

/**
 * Decodes a header block of a peer that was told to keep a dynamic table of size 0, so that a block means
 * the same at all times.
 *
 * @throws {Error} if the block uses a dynamic table, or ends too early
 */
export function decodeFields(block: Uint8Array): HeaderFields {
  const reader = new Reader(block);
  const fields: Record<string, string> = {};
  while (!reader.atEnd) {
    const first = reader.peek();
    if ((first & 0xe0) === SIZE_UPDATE) {
      reader.integer(5);
    } else if (first >= INDEXED) {
      const [name, value] = staticField(reader.integer(7));
      fields[name] = value;
    } else {
      const index = reader.integer(first >= INCREMENTAL ? 6 : 4);
      const name = index === 0 ? reader.text() : staticField(index)[0];
      fields[name] = reader.text();
    }
  }
  return fields;
}

function staticField(index: number): readonly [name: string, value: string] {
  if (index === 1) return [":authority", ""];
  const [name, value] = WITH_VALUE[index - FIRST_WITH_VALUE] ?? [NAMES[index - FIRST_NAME], ""];
  if (name === undefined || value === undefined) {
    throw new Error(`the answer uses entry ${index} of the dynamic table, which is to be empty`);
  }
  return [name, value];
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Error("the header block ends too early");
    return byte;
  }

  /** An integer whose first part has `bits` bits (RFC 7541, 5.1). */
  integer(bits: number): number {
    const mask = (1 << bits) - 1;
    let value = this.peek() & mask;
    this.#at++;
    if (value < mask) return value;
    for (let factor = 1;; factor *= 128) {
      const byte = this.peek();
      this.#at++;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const isHuffman = this.peek() >= 0x80;
    const length = this.integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error("the header block ends too early");
    this.#at += length;
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  }
}
