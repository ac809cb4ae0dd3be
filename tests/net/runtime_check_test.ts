// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { runtimeAdvice, warnOnBadRuntime } from "../../src/net/runtime_check.ts";
import { recordLogs } from "../_support/logs.ts";

for (const version of ["1.46.3", "2.0.0", "2.5.6", "2.6.10"]) {
  Deno.test(`runtimeAdvice() says that Deno ${version} cannot serve gRPC`, () => {
    assert.match(runtimeAdvice(version) ?? "", new RegExp(`^Deno ${version} cannot serve gRPC`));
  });
}

for (const version of ["2.9.4", "2.9.5", "2.9.6", "2.9.6+abc1234"]) {
  Deno.test(`runtimeAdvice() says that Deno ${version} crashes`, () => {
    const advice = runtimeAdvice(version) ?? "";
    assert.match(advice, /crashes when a gRPC client disconnects/);
    assert.match(advice, /npx -y deno@2\.8\.3$/);
  });
}

for (
  const version of ["2.7.14", "2.8.3", "2.9.0", "2.9.3", "2.9.7", "2.10.4", "3.0.0", "nightly"]
) {
  Deno.test(`runtimeAdvice() has nothing to say about Deno ${version}`, () => {
    assert.equal(runtimeAdvice(version), undefined);
  });
}

Deno.test("warnOnBadRuntime() logs the advice and returns it", async () => {
  await using logs = await recordLogs();
  const advice = warnOnBadRuntime("2.9.5");
  assert.equal(advice, runtimeAdvice("2.9.5"));
  const [record] = logs.records;
  assert.equal(record?.level, "warning");
  assert.equal(record?.properties.advice, advice);
});

Deno.test("warnOnBadRuntime() is silent about the pinned version", async () => {
  await using logs = await recordLogs();
  assert.equal(warnOnBadRuntime("2.8.3"), undefined);
  assert.deepEqual(logs.records, []);
});
