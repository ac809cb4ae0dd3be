// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { ScriptedDriver } from "../../src/testing/scripted_driver.ts";

Deno.test("ScriptedDriver refuses a second consumer while one reads, who misses nothing", async () => {
  const driver = new ScriptedDriver();
  const stop = new AbortController();
  const read = (signal: AbortSignal) =>
    driver.leadershipEvents({ signal })[Symbol.asyncIterator]().next();
  const first = read(stop.signal);
  const { signal } = new AbortController();
  await assert.rejects(read(signal), {
    code: "permanent",
    message:
      "Cannot read the leadership events as another consumer reads them: end its signal first",
  });
  driver.announce({ kind: "leader", epoch: 1n });
  assert.deepEqual((await first).value, { kind: "leader", epoch: 1n });
  stop.abort();
  driver.announce({ kind: "leader", epoch: 2n });
  assert.deepEqual((await read(signal)).value, { kind: "leader", epoch: 2n });
});
