// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { createFetchHandler } from "../../src/rpc/fetch_handler.ts";
import { getTsRequest, readRefusal, urlOf } from "./_support/calls.ts";
import { fakeSource, GRANT } from "./_support/fake_source.ts";

/** A handler of a node whose certainty ends with each grant. */
function handlerThatIsLate(): (request: Request) => Promise<Response> {
  let isServing = true;
  const source = {
    ...fakeSource(),
    getTs: () => {
      isServing = false;
      return GRANT;
    },
    get isServing() {
      return isServing;
    },
  };
  return createFetchHandler(source);
}

Deno.test("createFetchHandler() does not give a grant whose leadership has ended since", async () => {
  const response = await handlerThatIsLate()(getTsRequest({ count: 2 }));
  assert.deepEqual(await readRefusal(response), {
    status: 400,
    code: "failed_precondition",
    message: "not leader",
    hint: "",
  });
});

Deno.test("createFetchHandler() refuses a grant that is late in the protocol of its request", async () => {
  const request = new Request(urlOf("GetTs"), {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto" },
    body: new Uint8Array([0, 0, 0, 0, 2, 8, 2]),
  });
  const body = new Uint8Array(await (await handlerThatIsLate()(request)).arrayBuffer());
  assert.equal(body[0], 0x80, "no message, a trailer frame at once");
  assert.match(new TextDecoder().decode(body.subarray(5)), /^grpc-status: 9\r$/m);
});

Deno.test("createFetchHandler() gives answers of other methods although the leadership has ended since", async () => {
  const handle = createFetchHandler(fakeSource({ isServing: false }));
  const response = await handle(new Request(urlOf("GetCurrentMaxSafe")));
  assert.notEqual((await response.json()).maxSafePhysicalMs, "0");
});
