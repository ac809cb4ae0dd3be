// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { StreamBody } from "../../src/net/stream_body.ts";

/** What stands between the brackets. */
const INNER = { start: 1, end: 3 };

/** A body of which some has come, and the sizes that were consumed. */
function bodyOf(...parts: readonly string[]): { body: StreamBody; consumed: number[] } {
  const consumed: number[] = [];
  const body = new StreamBody((bytes) => consumed.push(bytes));
  for (const part of parts) {
    const lent = Buffer.from(`<${part}>`);
    body.add(lent, INNER);
    lent.fill(0);
  }
  return { body, consumed };
}

async function textOf(part: Promise<IteratorResult<Uint8Array>>): Promise<string | undefined> {
  const { value } = await part;
  return value === undefined ? undefined : Buffer.from(value).toString();
}

Deno.test("StreamBody.next() takes all that has come, and only then is it consumed", async () => {
  const { body, consumed } = bodyOf("ab", "cd", "ef");
  assert.deepEqual(consumed, []);
  assert.equal(await textOf(body.next()), "abcdef");
  assert.deepEqual(consumed, [6]);
  const next = body.next();
  body.add(Buffer.from("<gh>"), INNER);
  body.add(Buffer.from("<ij>"), INNER);
  assert.equal(await textOf(next), "ghij");
  const last = body.next();
  body.complete();
  assert.equal(await textOf(last), undefined);
});

Deno.test("StreamBody.skip() consumes what is there, and what still comes", () => {
  const { body, consumed } = bodyOf("ab", "cd");
  body.skip();
  body.add(Buffer.from("<ef>"), INNER);
  assert.deepEqual(consumed, [4, 2]);
});

Deno.test("StreamBody.next() brings what has come before it says that the rest will not", async () => {
  const { body } = bodyOf("ab");
  body.lose();
  assert.equal(await textOf(body.next()), "ab");
  await assert.rejects(body.next(), /the client has gone/);
});
