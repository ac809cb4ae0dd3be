// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import assert from "node:assert/strict";
import { decodeTimestamp } from "../../src/cli/commands/decode.ts";
import { packTimestamp } from "../../src/core/timestamp.ts";
import { runCli } from "./_support/run_cli.ts";

Deno.test("tsoracle decode prints every form of a timestamp", async () => {
  const { code, stdout, stderr } = await runCli(["decode", "445644800000262143"]);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    [
      "packed      445644800000262143",
      "hex         0x62f3f95a003ffff",
      "physical_ms 1700000000000",
      "logical     262143",
      "date        2023-11-14T22:13:20.000Z",
      "",
    ].join("\n"),
  );
});

Deno.test("tsoracle decode --json prints one object with the 64-bit value as a string", async () => {
  const { code, stdout } = await runCli(["decode", "--json", "0xfa00005"]);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), {
    packed: "262144005",
    hex: "0xfa00005",
    physicalMs: 1000,
    logical: 5,
    date: "1970-01-01T00:00:01.000Z",
  });
});

Deno.test("decodeTimestamp() undoes packing over the whole range, decimal and hexadecimal", () => {
  const parts = fc.tuple(fc.nat(70_368_744_177_663), fc.nat(262_143));
  fc.assert(fc.property(parts, ([physicalMs, logical]) => {
    const packed = packTimestamp(physicalMs, logical);
    for (const text of [String(packed), `0x${packed.toString(16)}`, `0X${packed.toString(16)}`]) {
      const decoded = decodeTimestamp(text);
      assert.deepEqual([decoded.physicalMs, decoded.logical], [physicalMs, logical]);
      assert.equal(Date.parse(decoded.date), physicalMs);
    }
  }));
});

Deno.test("decodeTimestamp() reaches exactly to the largest timestamp", () => {
  assert.equal(decodeTimestamp("18446744073709551615").date, "4199-11-24T01:22:57.663Z");
  assert.throws(() => decodeTimestamp("18446744073709551616"), { message: /unsigned 64-bit/ });
  assert.throws(() => decodeTimestamp("-1"), { message: /unsigned 64-bit/ });
});

Deno.test("tsoracle decode ends with 2 and one line for what is no timestamp", async () => {
  for (const text of ["", "12x", "0x", "1e5", "1.5", "abc", "9".repeat(99)]) {
    const { code, stdout, stderr } = await runCli(["decode", text]);
    assert.equal(code, 2, text);
    assert.equal(stdout, "");
    assert.match(stderr, /^error: Cannot decode .*\n$/);
  }
});

Deno.test("tsoracle decode takes exactly one timestamp", async () => {
  for (const args of [["decode"], ["decode", "1", "2"]]) {
    const { code, stderr } = await runCli(args);
    assert.equal(code, 2);
    assert.match(stderr, /exactly one timestamp/);
  }
});
