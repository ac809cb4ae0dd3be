// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { protocolOf, sniffProtocol } from "../../src/net/sniffer.ts";
import type { Protocol } from "../../src/net/sniffer.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** A beginning, what it is, and after how many of its bytes that is known. */
const BEGINNINGS: readonly (readonly [string, Protocol, number])[] = [
  [PREFACE, "http2", 24],
  ["GET / HTTP/1.1\r\n", "http1", 4],
  ["POST /x HTTP/1.0\r\n", "http1", 5],
  ["\r\n\r\nGET / HTTP/1.1\r\n", "http1", 8],
  ["PROPFIND / HTTP/9.9\r\n", "http1", 9],
  ["BREW /pot HTTP/1.1\r\nHost: x", "http1", 20],
  ["BREW /pot HTTP/1.1\n", "http1", 19],
  ["INVALID CONNECTION PREFACE\r\n\r\n", "http2", 28],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\nXX", "http2", 23],
  ["PRI * HTTP/1.1\r\n", "http1", 16],
  ["hello, who is there?\n", "http2", 21],
  ["\x16\x03\x01\x02\x00", "http2", 1],
  ["GE\0T / HTTP/1.1\r\n", "http2", 3],
  [`BREW /${"x".repeat(2_000)} HTTP/1.1\r\n`, "http2", 1_024],
];

for (const [start, protocol, bytes] of BEGINNINGS) {
  const shown = JSON.stringify(start.slice(0, 40));
  Deno.test(`protocolOf() finds ${protocol} in ${shown} after ${bytes} bytes, and not before`, () => {
    for (let length = 1; length < bytes; length++) {
      assert.equal(sniff(start.slice(0, length)), undefined, `after ${length} bytes`);
    }
    assert.equal(sniff(start.slice(0, bytes)), protocol);
    assert.equal(sniff(start), protocol);
  });
}

Deno.test("protocolOf() does not change its mind, and has made it up after 1,024 bytes", () => {
  const bytes = fc.array(fc.constantFrom(..."PRI *HTTP/1.2GE\r\n\0~"), { maxLength: 40 });
  const property = fc.property(bytes, (characters) => {
    const start = characters.join("");
    const lengths = Array.from(characters, (_, i) => i + 1);
    const opinions = lengths.map((length) => sniff(start.slice(0, length)));
    const first = opinions.find((opinion) => opinion !== undefined);
    const from = opinions.indexOf(first);
    if (first !== undefined) assert.deepEqual(new Set(opinions.slice(from)), new Set([first]));
    assert.notEqual(sniff(start.padEnd(1_024, "~")), undefined);
  });
  fc.assert(property, { numRuns: 1_000 });
});

/** A socket that gives out a chunk for each call, as those of Deno do from 2.9 on. */
class ChunkedSocket extends EventEmitter {
  readonly chunks: Buffer[] = [];

  read(): Buffer | null {
    return this.chunks.shift() ?? null;
  }

  unshift(chunk: Buffer): void {
    this.chunks.unshift(chunk);
  }
}

Deno.test("sniffProtocol() takes all that came, also from a socket that gives it out in chunks", () => {
  const socket = new ChunkedSocket();
  const found: Protocol[] = [];
  sniffProtocol(socket as unknown as Socket, (protocol) => found.push(protocol));
  socket.chunks.push(Buffer.from(PREFACE.slice(0, 17)), Buffer.from(PREFACE.slice(17)));
  socket.emit("readable");
  assert.deepEqual(found, ["http2"]);
  assert.equal(String(socket.chunks[0]), PREFACE);
  assert.equal(socket.listenerCount("readable"), 0);
});

function sniff(start: string): Protocol | undefined {
  return protocolOf(Buffer.from(start, "latin1"));
}
