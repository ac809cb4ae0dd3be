// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { epochToHalves } from "../../src/core/epoch.ts";
import { EPOCH, FOLLOWER, NOW_MS, startInProcess } from "../e2e/_support/in_process.ts";
import { GET_MAX_SAFE, GET_TS } from "../e2e/_support/grpc_wire.ts";
import { ServerProcess } from "../_support/server_process.ts";
import type { Tab } from "./_support/chromium.ts";
import { chromiumTest, openTab } from "./_support/chromium.ts";
import type { PageCall, PageOutcome } from "./_support/page.ts";
import { startSite } from "./_support/site.ts";

const PROTOCOLS = ["grpc-web", "connect", "connect-json"] as const;

/** Opens the page and calls from it. */
async function callFromPage(tab: Tab, call: PageCall): Promise<PageOutcome> {
  return await tab.evaluate((argument: PageCall) => globalThis.callOracle(argument), call);
}

async function openPage(program: string, origin: string): Promise<Tab> {
  const tab = await openTab(program);
  await tab.goto(`${origin}/`);
  return tab;
}

chromiumTest(
  "a page in Chromium gets timestamps from a server on another origin",
  async (program) => {
    await using site = await startSite();
    await using server = await ServerProcess.start({ flags: ["--cors-origin", site.origin] });
    await using tab = await openPage(program, site.origin);
    const baseUrl = `http://${server.address}`;
    let last = 0n;
    for (const protocol of PROTOCOLS) {
      const outcome = await callFromPage(tab, { baseUrl, protocol, count: 3 });
      assert.ok(outcome.kind === "answer", Deno.inspect(outcome));
      const { physicalMs = "", logicalStart = 0, count } = outcome.fields;
      const first = BigInt(physicalMs) * 262_144n + BigInt(logicalStart);
      assert.ok(first > last);
      assert.equal(count, 3);
      last = first + 2n;
    }
    assert.ok(tab.requests.includes(`OPTIONS ${GET_TS}`), "the browser sent no preflight");
  },
);

chromiumTest(
  "a page in Chromium gets the safe point, with Connect by a plain GET",
  async (program) => {
    await using site = await startSite();
    await using server = await ServerProcess.start({ flags: ["--cors-origin", site.origin] });
    await using tab = await openPage(program, site.origin);
    for (const protocol of PROTOCOLS) {
      const outcome = await callFromPage(tab, { baseUrl: `http://${server.address}`, protocol });
      assert.ok(outcome.kind === "answer", Deno.inspect(outcome));
      assert.match(String(outcome.fields["maxSafePhysicalMs"]), /^\d{13}$/);
    }
    const sent = tab.requests.filter((request) => request.endsWith(GET_MAX_SAFE));
    assert.ok(sent.includes(`GET ${GET_MAX_SAFE}`), sent.join());
    assert.ok(sent.includes(`POST ${GET_MAX_SAFE}`), sent.join());
  },
);

chromiumTest("a page in Chromium reads 64-bit numbers and refusals exactly", async (program) => {
  await using site = await startSite();
  await using server = await startInProcess({ corsOrigins: [site.origin] });
  await using tab = await openPage(program, site.origin);
  const { hi, lo } = epochToHalves(EPOCH);
  for (const [index, protocol] of PROTOCOLS.entries()) {
    const call = { baseUrl: `http://${server.address}`, protocol };
    assert.deepEqual(await callFromPage(tab, { ...call, count: 2 }), {
      kind: "answer",
      fields: {
        physicalMs: String(NOW_MS),
        logicalStart: index * 2,
        count: 2,
        epochHi: String(hi),
        epochLo: String(lo),
      },
    });
    const refused = await callFromPage(tab, { ...call, count: 262_145 });
    assert.ok(refused.kind === "error");
    assert.equal(refused.code, "InvalidArgument");
    assert.equal(refused.message, "invalid count: 262145");
  }
});

chromiumTest(
  "a page in Chromium reads the leader hint of a node that does not lead",
  async (program) => {
    await using site = await startSite();
    await using server = await startInProcess({ corsOrigins: [site.origin], initial: FOLLOWER });
    await using tab = await openPage(program, site.origin);
    for (const protocol of PROTOCOLS) {
      const call = { baseUrl: `http://${server.address}`, protocol, count: 1 };
      assert.deepEqual(await callFromPage(tab, call), {
        kind: "error",
        code: "FailedPrecondition",
        message: "not leader",
        leaderEndpoint: "10.0.0.7:50551",
        leaderEpochLo: "42",
      });
    }
  },
);

chromiumTest(
  "a page in Chromium of an origin that is not allowed gets nothing",
  async (program) => {
    await using site = await startSite();
    await using other = await startSite();
    await using open = await startInProcess({ corsOrigins: [site.origin] });
    await using closed = await startInProcess();
    await using tab = await openPage(program, other.origin);
    for (const { address, oracle } of [open, closed]) {
      for (const protocol of PROTOCOLS) {
        for (const ask of [{ count: 1 }, {}]) {
          const call = { baseUrl: `http://${address}`, protocol, ...ask };
          const outcome = await callFromPage(tab, call);
          assert.ok(outcome.kind === "error", Deno.inspect(outcome));
          assert.match(outcome.message, /Failed to fetch/);
        }
      }
      const { logicalStart } = await oracle.getTs(1);
      assert.equal(logicalStart, 0, "a call went out without leave");
    }
  },
);
