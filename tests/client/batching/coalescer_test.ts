// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { TsoClientError } from "../../../src/client/errors.ts";
import { settle } from "../../../src/testing/manual_clock.ts";
import { countListeners } from "../../_support/listeners.ts";
import { CoalescerRig } from "../_support/stub_source.ts";

const FULL = 262_144;

Deno.test("Coalescer sends one microtask after the first caller", async () => {
  const { source, coalescer } = new CoalescerRig();
  coalescer.join(1);
  assert.deepEqual(source.counts, []);
  await undefined;
  assert.deepEqual(source.counts, [1]);
});

Deno.test("Coalescer lets callers of the same turn share a request, first come first served", async () => {
  const { source, ...rig } = new CoalescerRig();
  const { coalescer } = rig;
  const places = [3, 1, 2].map((count) => {
    const batch = coalescer.join(count);
    return { batch, offset: batch.count - count };
  });
  await settle();
  assert.deepEqual(source.counts, [6]);
  assert.deepEqual(places.map(({ offset }) => offset), [0, 3, 4]);
  assert.equal(new Set(places.map(({ batch }) => batch)).size, 1);
});

Deno.test("Coalescer lets callers that are answered together ask again together", async () => {
  const rig = new CoalescerRig();
  const loops = Array.from({ length: 20 }, async () => {
    for (let round = 0; round < 5; round++) await rig.ask();
  });
  for (let round = 0; round < 5; round++) {
    await settle();
    rig.source.request(round).grant(round);
  }
  await Promise.all(loops);
  assert.deepEqual(rig.source.counts, [20, 20, 20, 20, 20]);
});

for (const maxInFlight of [1, 2, 4]) {
  Deno.test(`Coalescer keeps ${maxInFlight} batches under way and gathers the rest`, async () => {
    const rig = new CoalescerRig({ maxInFlight });
    const asked: Promise<string>[] = [];
    for (let caller = 0; caller < maxInFlight + 3; caller++) {
      asked.push(rig.ask());
      await settle();
    }
    assert.deepEqual(rig.source.counts, Array(maxInFlight).fill(1));
    assert.equal(rig.coalescer.inFlight, maxInFlight);
    assert.equal(rig.coalescer.queued, 3);
    rig.source.request(0).grant(100);
    await settle();
    assert.deepEqual(rig.source.counts.slice(maxInFlight), [3]);
    for (const [index, request] of rig.source.requests.entries()) request.grant(100 + index);
    const late = ["0", "1", "2"].map((place) => `${100 + maxInFlight}:${place}`);
    assert.deepEqual((await Promise.all(asked)).slice(maxInFlight), late);
  });
}

Deno.test("Coalescer lets answered callers who ask again join the batch that waits", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const again = rig.ask().then(() => rig.ask());
  await settle();
  const waiting = rig.ask();
  rig.source.request(0).grant(1);
  await settle();
  assert.deepEqual(rig.source.counts, [1, 2]);
  rig.source.request(1).grant(2);
  assert.deepEqual(await Promise.all([waiting, again]), ["2:0", "2:1"]);
});

Deno.test("Coalescer takes an answer of a later batch before that of an earlier one", async () => {
  const rig = new CoalescerRig();
  const first = rig.ask();
  await settle();
  const second = rig.ask();
  await settle();
  rig.source.request(1).grant(7, { epoch: 2n });
  assert.equal(await second, "7:0");
  rig.source.request(0).grant(6);
  assert.equal(await first, "6:0");
});

Deno.test("Coalescer puts at most 262,144 timestamps into a request", async () => {
  const rig = new CoalescerRig({ maxInFlight: 4 });
  const asked = [FULL - 1, 1, 1, FULL, 2].map((count) => rig.ask(count));
  await settle();
  assert.deepEqual(rig.source.counts, [FULL, 1, FULL, 2]);
  for (const [index, request] of rig.source.requests.entries()) request.grant(index);
  assert.deepEqual(await Promise.all(asked), ["0:0", `0:${FULL - 1}`, "1:0", "2:0", "3:0"]);
});

Deno.test("Coalescer refuses a bad count alone and without a request", async () => {
  const rig = new CoalescerRig();
  const good = rig.ask();
  for (const count of [0, -1, 1.5, NaN, Infinity, FULL + 1]) {
    assert.throws(() => rig.coalescer.join(count), {
      code: "invalid-argument",
      message:
        `Cannot ask for ${count} timestamps: the count must be a whole number from 1 to 262144`,
    });
  }
  await settle();
  assert.deepEqual(rig.source.counts, [1]);
  rig.source.request(0).grant(1);
  assert.equal(await good, "1:0");
});

Deno.test("Coalescer fails all callers of a batch with its error, and tries the next one anew", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const failed = [rig.ask(), rig.ask()];
  await settle();
  const next = rig.ask();
  const error = new TsoClientError("no-leader", "nobody leads");
  rig.source.request(0).fail(error);
  const outcomes = await Promise.allSettled(failed);
  assert.deepEqual(outcomes.map((each) => each.status === "rejected" && each.reason), [
    error,
    error,
  ]);
  await settle();
  rig.source.request(1).grant(5);
  assert.equal(await next, "5:0");
});

Deno.test("Coalescer fails a batch whose request is thrown", async () => {
  const rig = new CoalescerRig();
  rig.source.onRequest = () => {
    throw new TypeError("broken");
  };
  await assert.rejects(rig.ask(), TypeError);
  assert.equal(rig.coalescer.inFlight, 0);
});

for (const count of [1, 3]) {
  Deno.test(`Coalescer throws an answer of ${count} away that was to have 2`, async () => {
    const rig = new CoalescerRig();
    const asked = rig.ask(2);
    await settle();
    rig.source.request(0).grant(5, { count });
    await assert.rejects(asked, { code: "bad-response" });
    const next = rig.ask();
    await settle();
    assert.deepEqual(rig.source.counts, [2, 1], "nothing of it was kept");
    rig.source.request(1).grant(6);
    assert.equal(await next, "6:0");
  });
}

Deno.test("Coalescer refuses the caller that is one too many, names the limit and the way out", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1, maxQueued: 2 });
  const sent = rig.ask();
  await settle();
  const waiting = [rig.ask(), rig.ask()];
  assert.throws(() => rig.coalescer.join(1), {
    code: "queue-full",
    message: /2 wait already and 'maxQueued' is 2; ask with getTsBatch, slow down, or raise/,
  });
  rig.source.request(0).grant(1);
  await sent;
  await settle();
  assert.equal(rig.coalescer.queued, 0, "there is room again");
  rig.source.request(1).grant(2);
  assert.deepEqual(await Promise.all(waiting), ["2:0", "2:1"]);
});

Deno.test("Coalescer.take() leaves at once when its signal fires, before the batch is sent", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const sent = rig.ask();
  await settle();
  const control = new AbortController();
  const left = rig.coalescer.take(5, { signal: control.signal });
  const stays = rig.ask();
  control.abort(new Error("gone"));
  await assert.rejects(left, { message: "gone" });
  assert.equal(rig.coalescer.queued, 1);
  assert.equal(rig.abandoned, 1);
  rig.source.request(0).grant(1);
  await sent;
  await settle();
  assert.deepEqual(rig.source.counts, [1, 6], "the place of the one who left burns");
  rig.source.request(1).grant(2);
  assert.equal(await stays, "2:5");
});

Deno.test("Coalescer.take() of the last caller takes an unsent batch back", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const sent = rig.ask();
  await settle();
  const control = new AbortController();
  const { signal } = control;
  const left = [rig.coalescer.take(1, { signal }), rig.coalescer.take(1, { signal })];
  control.abort();
  for (const each of left) await assert.rejects(each, { name: "AbortError" });
  rig.source.request(0).grant(1);
  await sent;
  await settle();
  assert.deepEqual(rig.source.counts, [1]);
  assert.equal(rig.coalescer.queued, 0);
  assert.equal(rig.abandoned, 2);
});

Deno.test("Coalescer.take() of a caller that leaves in the turn it came ends its request", async () => {
  const rig = new CoalescerRig();
  const control = new AbortController();
  const left = rig.coalescer.take(1, { signal: control.signal });
  control.abort();
  await assert.rejects(left, { name: "AbortError" });
  await settle();
  // The request leaves one microtask after its caller; the listener runs as soon, the rejection later.
  assert.ok(rig.source.requests.every(({ signal }) => signal.aborted));
  assert.equal(rig.coalescer.inFlight, 0);
});

Deno.test("Coalescer.take() ends a request that nobody waits for any more", async () => {
  const rig = new CoalescerRig();
  const controls = [new AbortController(), new AbortController()];
  const left = controls.map(({ signal }) => rig.coalescer.take(1, { signal }));
  await settle();
  controls[0]?.abort();
  await assert.rejects(left[0] ?? Promise.resolve(), { name: "AbortError" });
  assert.equal(rig.source.request(0).signal.aborted, false, "one still waits");
  controls[1]?.abort();
  await assert.rejects(left[1] ?? Promise.resolve(), { name: "AbortError" });
  assert.equal(rig.source.request(0).signal.aborted, true);
  await settle();
  assert.equal(rig.coalescer.inFlight, 0);
  assert.equal(rig.abandoned, 2);
});

Deno.test("Coalescer.take() after an answer counts nobody as gone", async () => {
  const rig = new CoalescerRig();
  const control = new AbortController();
  const taken = rig.coalescer.take(1, { signal: control.signal });
  await settle();
  rig.source.request(0).grant(3);
  assert.deepEqual((await taken).block.physicalMs, 3);
  control.abort();
  await settle();
  assert.equal(rig.abandoned, 0);
});

Deno.test("Coalescer.take() does not ask with a signal that has fired", async () => {
  const rig = new CoalescerRig();
  const signal = AbortSignal.abort(new Error("too late"));
  await assert.rejects(rig.coalescer.take(1, { signal }), { message: "too late" });
  await settle();
  assert.deepEqual(rig.source.counts, []);
});

Deno.test("Coalescer.take() refuses a timeout that is none", async () => {
  const rig = new CoalescerRig();
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    await assert.rejects(rig.coalescer.take(1, { timeoutMs }), { code: "invalid-argument" });
  }
});

Deno.test("Coalescer.take() leaves when its timeout is over, in the queue and under way", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const underWay = rig.coalescer.take(1, { timeoutMs: 100 });
  await settle();
  const queued = rig.coalescer.take(1, { timeoutMs: 50 });
  underWay.catch(() => {});
  await rig.clock.advance(50);
  await assert.rejects(queued, { code: "deadline-exceeded", message: /'timeoutMs'.*50 ms/ });
  await rig.clock.advance(50);
  await assert.rejects(underWay, { code: "deadline-exceeded" });
  assert.equal(rig.source.request(0).signal.aborted, true);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("Coalescer.take() leaves no timer and no listener", async () => {
  const rig = new CoalescerRig();
  const listeners = countListeners();
  const { signal } = new AbortController();
  const taken = [1, 2].map((count) => rig.coalescer.take(count, { signal, timeoutMs: 1_000 }));
  await settle();
  rig.source.request(0).grant(1);
  await Promise.all(taken);
  await settle();
  const { added, removed } = listeners.stop();
  // The stub adds one listener for its request.
  assert.equal(added, removed + 1);
  assert.equal(rig.clock.sleeping, 0);
});

Deno.test("Coalescer.take() with more time than a batch has asks again", async () => {
  const rig = new CoalescerRig({ timeoutMs: 1_000 });
  const patient = rig.coalescer.take(1, { timeoutMs: 5_000 });
  const usual = rig.ask();
  usual.catch(() => {});
  await settle();
  await rig.clock.advance(1_000);
  rig.source.request(0).fail(new TsoClientError("no-leader", "nobody leads"));
  await assert.rejects(usual, { code: "no-leader" });
  await settle();
  rig.source.request(1).grant(9);
  assert.equal((await patient).block.physicalMs, 9);
  assert.equal(rig.abandoned, 0);
});

Deno.test("Coalescer.take() with a signal alone has the time of a batch and no more", async () => {
  const rig = new CoalescerRig({ timeoutMs: 1_000 });
  const taken = rig.coalescer.take(1, { signal: new AbortController().signal });
  await settle();
  await rig.clock.advance(1_000);
  const error = new TsoClientError("no-leader", "nobody leads");
  rig.source.request(0).fail(error);
  await assert.rejects(taken, error);
  assert.deepEqual(rig.source.counts, [1]);
});

Deno.test("Coalescer.take() with more time still fails with what is not a matter of time", async () => {
  const rig = new CoalescerRig({ timeoutMs: 1_000 });
  const patient = rig.coalescer.take(1, { timeoutMs: 5_000 });
  await settle();
  await rig.clock.advance(10);
  rig.source.request(0).fail(new TsoClientError("refused", "never"));
  await assert.rejects(patient, { code: "refused" });
});

Deno.test("Coalescer gives a request what is left of the time of its first caller", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1, timeoutMs: 1_000 });
  const asked = [rig.ask()];
  await settle();
  asked.push(rig.ask());
  await rig.clock.advance(300);
  rig.source.request(0).grant(1);
  await settle();
  assert.deepEqual(rig.source.requests.map(({ timeoutMs }) => timeoutMs), [1_000, 700]);
  rig.source.request(1).grant(2);
  await Promise.all(asked);
});

Deno.test("Coalescer opens a new batch when the waiting one has used a tenth of its time", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1, timeoutMs: 1_000 });
  const asked = [rig.ask()];
  await settle();
  for (const waitMs of [0, 100, 1]) {
    await rig.clock.advance(waitMs);
    asked.push(rig.ask());
  }
  for (let index = 0; index < 3; index++) {
    rig.source.request(index).grant(index);
    await settle();
  }
  assert.deepEqual(rig.source.counts, [1, 2, 1]);
  await Promise.all(asked);
});

Deno.test("Coalescer.take() tells a caller who has to leave what had gone wrong meanwhile", async () => {
  const rig = new CoalescerRig();
  const taken = rig.coalescer.take(1, { timeoutMs: 100 });
  taken.catch(() => {});
  await settle();
  const fault = new TsoClientError("unreachable", "nobody listens", { endpoint: "a:1" });
  rig.source.request(0).reportFault(fault);
  await rig.clock.advance(100);
  const expected = { code: "deadline-exceeded", endpoint: "a:1", cause: fault };
  await assert.rejects(taken, expected);
  await assert.rejects(taken, /100 ms.*the last attempt: nobody listens/);
});

Deno.test("Coalescer says why the request before failed when the time of a batch is over in the queue", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1, timeoutMs: 100 });
  const first = rig.ask();
  first.catch(() => {});
  await settle();
  const waiting = rig.ask();
  waiting.catch(() => {});
  await rig.clock.advance(100);
  const fault = new TsoClientError("unreachable", "nobody listens", { endpoint: "a:1" });
  rig.source.request(0).fail(fault);
  await assert.rejects(first, fault);
  const expected = { code: "deadline-exceeded", endpoint: "a:1", cause: fault };
  await assert.rejects(waiting, expected);
  await assert.rejects(waiting, /100 ms have passed in the queue; .* failed: nobody listens/);
});

Deno.test("Coalescer does not send a batch whose time is over", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1, timeoutMs: 1_000 });
  const sent = rig.ask();
  await settle();
  const late = rig.ask();
  late.catch(() => {});
  await rig.clock.advance(1_001);
  rig.source.request(0).grant(1);
  await sent;
  await assert.rejects(late, { code: "deadline-exceeded", message: /1000 ms have passed/ });
  assert.deepEqual(rig.source.counts, [1]);
});

Deno.test("Coalescer.close() fails callers in every state and ends what is under way", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const { signal } = new AbortController();
  const asked = [rig.ask(), rig.coalescer.take(1, { signal, timeoutMs: 20_000 })];
  await settle();
  asked.push(rig.ask(), rig.coalescer.take(1, { signal, timeoutMs: 20_000 }));
  const error = new TsoClientError("closed", "closed by the test");
  rig.coalescer.close(error);
  for (const outcome of await Promise.allSettled(asked)) {
    assert.equal(outcome.status === "rejected" && outcome.reason, error);
  }
  assert.equal(rig.source.request(0).signal.reason, error);
  assert.throws(() => rig.coalescer.join(1), error);
  await settle();
  assert.deepEqual(rig.source.counts, [2], "nothing is sent any more");
  assert.equal(rig.coalescer.inFlight, 0);
  assert.equal(rig.coalescer.queued, 0);
  assert.equal(rig.clock.sleeping, 0);
  assert.equal(rig.abandoned, 0);
});

Deno.test("Coalescer.close() in the turn of a caller sends nothing", async () => {
  const rig = new CoalescerRig();
  const asked = rig.ask();
  rig.coalescer.close(new TsoClientError("closed", "closed by the test"));
  await assert.rejects(asked, { code: "closed" });
  await settle();
  assert.deepEqual(rig.source.counts, []);
});

Deno.test("Coalescer rejects no promise that nobody handles", async () => {
  const unhandled: unknown[] = [];
  const hear = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", hear);
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const control = new AbortController();
  const taken = rig.coalescer.take(1, { signal: control.signal, timeoutMs: 50 });
  rig.coalescer.join(1);
  await settle();
  rig.coalescer.join(1);
  control.abort();
  await assert.rejects(taken);
  rig.source.request(0).fail(new Error("lost"));
  await settle();
  rig.coalescer.close(new TsoClientError("closed", "closed by the test"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  globalThis.removeEventListener("unhandledrejection", hear);
  assert.deepEqual(unhandled, []);
});

Deno.test("Coalescer reports queue and batches once when a batch leaves and once when it ends", async () => {
  const rig = new CoalescerRig({ maxInFlight: 1 });
  const asked = [rig.ask(), rig.ask()];
  await settle();
  asked.push(rig.ask());
  rig.source.request(0).grant(1);
  await settle();
  rig.source.request(1).grant(2);
  await Promise.all(asked);
  await settle();
  const of = (name: string) =>
    rig.metrics.gauges.filter(([each]) => each === `tsoracle.client.${name}`)
      .map(([, value]) => value);
  assert.deepEqual(of("queue_depth"), [0, 1, 0, 0]);
  assert.deepEqual(of("in_flight"), [1, 0, 1, 0]);
});
