// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Http2Connection } from "../../src/grpc/http2_connection.ts";

for (
  const [origin, authority] of [
    ["https://oracle.example:443", "https://oracle.example"],
    ["http://oracle.example:80", "http://oracle.example"],
    ["https://oracle.example:80", "https://oracle.example:80"],
    ["http://[::1]:50551", "http://[::1]:50551"],
  ] as const
) {
  Deno.test(`Http2Connection to ${origin} has the authority that the URLs of calls have`, () => {
    const connection = new Http2Connection({ origin, tls: undefined });
    assert.equal(connection.authority, authority);
    assert.equal(new URL(`${origin}/tsoracle.v1.TsoService/GetTs`).origin, connection.authority);
    connection.close();
  });
}
