// SPDX-License-Identifier: Apache-2.0

import { SeqUncertainError } from "../../../src/client/errors.ts";
import type { BaseTsoClient } from "../../../src/client/tso_client.ts";
import { GapChecker } from "../../../src/testing/gap_checker.ts";
import type { Step } from "../_scripted/script.ts";
import { expect, expectFailure, expectSame, failureOf } from "./_support/expect.ts";
import type { Scenario } from "./_support/scenario.ts";

const KEY = "orders";

/** Callers at once. */
export const gapless: Scenario = {
  name: "blocks of concurrent callers tile a sequence",
  async run(scene) {
    const cluster = await scene.open({}, {});
    await cluster.elect(1);
    const client = scene.connect({ cluster });
    const checker = new GapChecker();
    const takes = Array.from({ length: 50 }, (_, index) => client.getSeq(KEY, 1 + index % 7));
    for (const block of await Promise.all(takes)) checker.received(block);
    const other = await client.getSeqBatch([{ key: "bills", count: 2 }, { key: KEY, count: 3 }]);
    expectSame(other.blocks[0]?.start, 0n, "the start of a fresh sequence");
    for (const block of other.blocks.slice(1)) checker.received(block);
    const { start: final } = await client.getSeq(KEY);
    checkTiling(checker, final);
  },
};

/** What becomes of a request that may have done its work. */
const DOUBTS: readonly (readonly [string, Step])[] = [
  ["answered with UNAVAILABLE", { do: "fail", code: "unavailable" }],
  ["answered with INTERNAL", { do: "fail", code: "internal" }],
  ["never answered", { do: "silence" }],
  ["cut before the answer", { do: "cut", when: "before" }],
  ["cut within the answer", { do: "cut", when: "midway" }],
];

/**
 * A request that may have done its work. Where its connection is cut, the `fetch` of Chromium and of Deno sends
 * it again by itself, and tells nobody.
 */
export const uncertain: readonly Scenario[] = DOUBTS.map(([what, step]) => ({
  name: `a request for ordinals that is ${what} is uncertain, and never repeated`,
  ...step.do === "cut" ? { needs: "own-connections" } : {},
  async run(scene) {
    const cluster = await scene.open({ script: [step, step] }, {
      then: { do: "lead" },
    });
    const retry = step.do === "silence" ? { attemptTimeoutMs: 1_000 } : {};
    const connect = () => scene.connect({ cluster, retry });
    const single = await failureOf(connect().getSeq(KEY, 10));
    expect(single instanceof SeqUncertainError, `${single} is not a SeqUncertainError`);
    expectSame((await cluster.log()).length, 1, "requests for a block");
    const several = await failureOf(connect().getSeqBatch([{ key: KEY, count: 5 }]));
    expect(several instanceof SeqUncertainError, `${several} is not a SeqUncertainError`);
    expectSame((await cluster.log()).length, 2, "requests for a block and a batch");
    const checker = new GapChecker();
    checker.unknown(10);
    checker.unknown(5);
    checker.received(await scene.connect({ cluster }).getSeq(KEY, 4));
    checkTiling(checker);
  },
}));

/** A server that says no before it does anything. */
export const refused: Scenario = {
  name: "a request for ordinals that is refused for good is an error of its own, not uncertain",
  async run(scene) {
    const cluster = await scene.open(
      { script: [{ do: "fail", code: "resource-exhausted" }] },
      {},
    );
    const client = scene.connect({ cluster });
    const error = await expectFailure(client.getSeq(KEY), "refused");
    expectSame(error.status, "RESOURCE_EXHAUSTED", "the status");
    expectSame((await cluster.log()).length, 1, "requests");
    expectSame((await client.getSeq(KEY)).start, 0n, "the first ordinal");
  },
};

/** A request that certainly did nothing. */
export const notSent: Scenario = {
  name: "a request for ordinals that could not be sent goes to the next endpoint",
  needs: "own-connections",
  async run(scene) {
    const cluster = await scene.open({});
    const endpoints = [scene.deadAddress(), cluster.address(0)];
    const client = scene.connect({ cluster, endpoints });
    expectSame((await client.getSeq(KEY, 3)).start, 0n, "the first ordinal");
    expectSame((await cluster.log()).length, 1, "requests");
    const hopeless = { cluster, endpoints: endpoints.slice(0, 1), retry: { maxAttempts: 2 } };
    await expectFailure(scene.connect(hopeless).getSeq(KEY), "unreachable");
  },
};

/** Leaders come and go. */
export const changesUnderLoad: Scenario = {
  name: "sequences stay gapless over changes of the leader",
  async run(scene) {
    const cluster = await scene.open({}, {}, {});
    const client = scene.connect({ cluster });
    const checker = new GapChecker();
    const load = scene.load(8, () => take(client, checker));
    for (const leader of [1, 2, 0]) {
      await load.more(50);
      await cluster.elect();
      await cluster.elect(leader);
    }
    await load.more(50);
    await load.finish();
    const { start: final } = await client.getSeq(KEY);
    checkTiling(checker, final);
  },
};

/** Connections break while leaders come and go. */
export const cutsUnderLoad: Scenario = {
  name: "sequences stay gapless over cut connections, but for the blocks reported unknown",
  async run(scene) {
    const cluster = await scene.open({}, {}, {});
    const client = scene.connect({ cluster });
    const checker = new GapChecker();
    const load = scene.load(8, () => take(client, checker));
    for (const leader of [1, 2, 0]) {
      await load.more(50);
      await cluster.elect(leader);
      await load.more(50);
      await cluster.do("down", leader);
      await cluster.do("up", leader);
      await load.more(50);
      await cluster.do("reset", leader);
    }
    await load.finish();
    const { start: final } = await client.getSeq(KEY);
    checkTiling(checker, final);
  },
};

/** Chromium, and the `fetch` of Deno, send such a request again by themselves. */
export const neverTwice: Scenario = {
  name: "a request that the runtime repeats by itself takes no second block",
  async run(scene) {
    const cluster = await scene.open({
      script: [
        { do: "lead" },
        { do: "cut", when: "before" },
        { do: "lead" },
        { do: "cut", when: "midway" },
      ],
    });
    const client = scene.connect({ cluster });
    const checker = new GapChecker();
    for (let call = 0; call < 6; call++) await take(client, checker);
    expect(checker.blocks >= 4, `only ${checker.blocks} blocks came`);
    const { start: final } = await client.getSeq(KEY);
    checkTiling(checker, final);
  },
};

/** Takes a block; one of unknown outcome is noted. */
async function take(client: BaseTsoClient, checker: GapChecker): Promise<void> {
  try {
    checker.received(await client.getSeq(KEY, 2));
  } catch (error) {
    if (!(error instanceof SeqUncertainError)) throw error;
    checker.unknown(2);
  }
}

function checkTiling(checker: GapChecker, final?: bigint): void {
  const [violation] = checker.check(final);
  const text = JSON.stringify(violation, (_, part) => typeof part === "bigint" ? `${part}` : part);
  expect(violation === undefined, `the sequence has a gap or an overlap: ${text}`);
}
