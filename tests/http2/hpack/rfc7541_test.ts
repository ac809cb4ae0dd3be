// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { HpackDecoder } from "../../../src/http2/hpack/hpack_decoder.ts";

/** A block of RFC 7541, Appendix C: its bytes, its fields, and the size of the table after it. */
interface Example {
  readonly block: string;
  readonly fields: string;
  readonly tableBytes: number;
}

const CACHED = "cache-control: private";
const AT_21 = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const AT_22 = "date: Mon, 21 Oct 2013 20:13:22 GMT";
const PLACE = "location: https://www.example.com";
const COOKIE = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const REQUESTS = [
  ":method: GET|:scheme: http|:path: /|:authority: www.example.com",
  ":method: GET|:scheme: http|:path: /|:authority: www.example.com|cache-control: no-cache",
  ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|custom-key: custom-value",
] as const;
const RESPONSES = [
  [":status: 302", CACHED, AT_21, PLACE].join("|"),
  [":status: 307", CACHED, AT_21, PLACE].join("|"),
  [":status: 200", CACHED, AT_22, PLACE, "content-encoding: gzip", COOKIE].join("|"),
] as const;

const SECTIONS: readonly (readonly [string, number, readonly Example[]])[] = [
  ["C.2.1", 4_096, [{
    block: "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
    fields: "custom-key: custom-header",
    tableBytes: 55,
  }]],
  ["C.2.2", 4_096, [{
    block: "040c2f73616d706c652f70617468",
    fields: ":path: /sample/path",
    tableBytes: 0,
  }]],
  ["C.2.3", 4_096, [{
    block: "100870617373776f726406736563726574",
    fields: "password: secret",
    tableBytes: 0,
  }]],
  ["C.2.4", 4_096, [{ block: "82", fields: ":method: GET", tableBytes: 0 }]],
  ["C.3", 4_096, [
    {
      block: "828684410f7777772e6578616d706c652e636f6d",
      fields: REQUESTS[0],
      tableBytes: 57,
    },
    { block: "828684be58086e6f2d6361636865", fields: REQUESTS[1], tableBytes: 110 },
    {
      block: "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
      fields: REQUESTS[2],
      tableBytes: 164,
    },
  ]],
  ["C.4", 4_096, [
    { block: "828684418cf1e3c2e5f23a6ba0ab90f4ff", fields: REQUESTS[0], tableBytes: 57 },
    { block: "828684be5886a8eb10649cbf", fields: REQUESTS[1], tableBytes: 110 },
    {
      block: "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      fields: REQUESTS[2],
      tableBytes: 164,
    },
  ]],
  ["C.5", 256, [
    {
      block: "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a32" +
        "3120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      fields: RESPONSES[0],
      tableBytes: 222,
    },
    { block: "4803333037c1c0bf", fields: RESPONSES[1], tableBytes: 222 },
    {
      block: "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a6970" +
        "7738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d61" +
        "67653d333630303b2076657273696f6e3d31",
      fields: RESPONSES[2],
      tableBytes: 215,
    },
  ]],
  ["C.6", 256, [
    {
      block: "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad" +
        "171863c78f0b97c8e9ae82ae43d3",
      fields: RESPONSES[0],
      tableBytes: 222,
    },
    { block: "4883640effc1c0bf", fields: RESPONSES[1], tableBytes: 222 },
    {
      block: "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2" +
        "e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      fields: RESPONSES[2],
      tableBytes: 215,
    },
  ]],
];

for (const [section, maxTableBytes, examples] of SECTIONS) {
  Deno.test(`HpackDecoder.decode() reads the examples of RFC 7541, ${section}`, () => {
    const decoder = new HpackDecoder({ maxTableBytes, maxListBytes: 16_384 });
    for (const { block, fields, tableBytes } of examples) {
      const bytes = Buffer.from(block, "hex");
      const list = decoder.decode(bytes, 0, bytes.length);
      assert.equal(list.fields.map(({ name, value }) => `${name}: ${value}`).join("|"), fields);
      assert.equal(decoder.tableBytes, tableBytes);
    }
  });
}
