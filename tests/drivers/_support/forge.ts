// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { crc32c } from "../../../src/drivers/records/crc32c.ts";
import { RecordError } from "../../../src/drivers/records/record_error.ts";

/** A part of a record: bytes as they are, text as UTF-8, or a number as so many bytes, lowest first. */
export type Part =
  | Uint8Array
  | string
  | { readonly u8: number }
  | { readonly u16: number }
  | { readonly u32: number }
  | { readonly u64: bigint };

/** A record of any content whose checksum is right. */
export function forge(...parts: readonly Part[]): Uint8Array {
  const bytes = parts.flatMap((part) => [...bytesOf(part)]);
  return Uint8Array.from([...bytes, ...bytesOf({ u32: crc32c(Uint8Array.from(bytes)) })]);
}

function bytesOf(part: Part): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === "string") return new TextEncoder().encode(part);
  const view = new DataView(new ArrayBuffer(8));
  if ("u64" in part) {
    view.setBigUint64(0, part.u64, true);
    return new Uint8Array(view.buffer);
  }
  const [[width = "", value = 0] = []] = Object.entries(part);
  view.setUint32(0, value, true);
  return new Uint8Array(view.buffer, 0, Number(width.slice(1)) / 8);
}

/** Expects a decoder to refuse the record of a place, with a code and a message. */
export function refusesRecord(
  decode: (path: string) => unknown,
  code: string,
  found: RegExp,
): void {
  assert.throws(() => decode("/data/file"), (error) => {
    assert.ok(error instanceof RecordError, `threw ${error}`);
    assert.equal(error.code, code, error.message);
    assert.equal(error.path, "/data/file");
    assert.match(error.message, /^Cannot read '\/data\/file': /);
    assert.match(error.message, found);
    return true;
  });
}

/** Each way to change one byte of a record: with the place, and whether it is the version. */
export function* corruptions(record: Uint8Array): Generator<readonly [Uint8Array, boolean]> {
  for (let at = 0; at < record.length; at++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const bytes = new Uint8Array(record);
      bytes[at] = (bytes[at] as number) ^ change;
      yield [bytes, at === 4];
    }
  }
}
