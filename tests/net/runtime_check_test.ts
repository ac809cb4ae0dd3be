// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { EDGE_NAMES } from "../../src/net/edge.ts";
import { runtimeAdvice, warnOnBadRuntime } from "../../src/net/runtime_check.ts";
import { recordLogs } from "../_support/logs.ts";

for (const version of ["1.46.3", "2.0.0", "2.5.6", "2.6.10"]) {
  Deno.test(`runtimeAdvice() says that Deno ${version} cannot serve gRPC`, () => {
    for (const edge of EDGE_NAMES) {
      const advice = runtimeAdvice(version, edge) ?? "";
      assert.match(advice, new RegExp(`^Deno ${version} cannot serve gRPC`));
    }
  });
}

for (const version of ["2.9.4", "2.9.5", "2.9.6", "2.9.6+abc1234"]) {
  Deno.test(`runtimeAdvice() says that Deno ${version} crashes in node:http2, which our own edge does not need`, () => {
    const advice = runtimeAdvice(version, "connect") ?? "";
    assert.match(advice, /crashes when a gRPC client disconnects: leave out '--edge connect'/);
    assert.match(advice, /npx -y deno@2\.8\.3$/);
    assert.equal(runtimeAdvice(version, "http2"), undefined);
  });
}

for (
  const version of ["2.7.14", "2.8.3", "2.9.0", "2.9.3", "2.9.7", "2.10.4", "3.0.0", "nightly"]
) {
  Deno.test(`runtimeAdvice() has nothing to say about Deno ${version}`, () => {
    for (const edge of EDGE_NAMES) assert.equal(runtimeAdvice(version, edge), undefined);
  });
}

Deno.test("warnOnBadRuntime() logs the advice and returns it", async () => {
  await using logs = await recordLogs();
  const advice = warnOnBadRuntime("connect", "2.9.5");
  assert.equal(advice, runtimeAdvice("2.9.5", "connect"));
  const [record] = logs.records;
  assert.equal(record?.level, "warning");
  assert.equal(record?.properties.advice, advice);
});

Deno.test("warnOnBadRuntime() is silent about the pinned version", async () => {
  await using logs = await recordLogs();
  assert.equal(warnOnBadRuntime("connect", "2.8.3"), undefined);
  assert.deepEqual(logs.records, []);
});
