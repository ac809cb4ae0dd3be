// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { Rotation, Worklist } from "../../../src/client/leader/worklist.ts";
import type { WorklistOptions } from "../../../src/client/leader/worklist.ts";

function address(name: string) {
  return { name, origin: `http://${name}`, tls: undefined, configured: true };
}

const [A, B, C, D] = [address("a:1"), address("b:1"), address("c:1"), address("d:1")] as const;

function listOf(options: Partial<WorklistOptions>): Worklist {
  const avoids = () => false;
  return new Worklist({
    leader: undefined,
    failed: undefined,
    endpoints: [A, B, C],
    avoids,
    ...options,
  });
}

function drain(list: Worklist): readonly string[] {
  const names: string[] = [];
  for (let next = list.next(); next !== undefined; next = list.next()) names.push(next.name);
  return names;
}

Deno.test("Worklist.next() begins with the leader, and visits nobody twice", () => {
  assert.deepEqual(drain(listOf({})), ["a:1", "b:1", "c:1"]);
  assert.deepEqual(drain(listOf({ leader: C })), ["c:1", "a:1", "b:1"]);
  assert.deepEqual(drain(listOf({ leader: D })), ["d:1", "a:1", "b:1", "c:1"]);
});

Deno.test("Worklist.next() ends with a leader that has failed, if the user named it", () => {
  assert.deepEqual(drain(listOf({ failed: A })), ["b:1", "c:1", "a:1"]);
  assert.deepEqual(drain(listOf({ failed: D })), ["a:1", "b:1", "c:1"]);
});

Deno.test("Worklist.next() visits an endpoint that is avoided when nothing else is left", () => {
  const avoids = ({ name }: { readonly name: string }) => name === "a:1";
  assert.deepEqual(drain(listOf({ avoids })), ["b:1", "c:1", "a:1"]);
  assert.deepEqual(drain(listOf({ avoids, leader: A })), ["b:1", "c:1", "a:1"]);
  assert.deepEqual(drain(listOf({ avoids, endpoints: [A] })), ["a:1"]);
});

Deno.test("Worklist.follow() puts a hint to the front, once", () => {
  const list = listOf({});
  assert.equal(list.next(), A);
  list.follow(C);
  list.follow(D);
  assert.equal(list.size, 3);
  assert.deepEqual(drain(list), ["d:1", "c:1", "b:1"]);
  assert.equal(list.hasVisited(D), true);
  assert.equal(list.hasVisited(address("e:1")), false);
});

Deno.test("Worklist.follow() leaves an endpoint that is avoided for the end", () => {
  const list = listOf({ avoids: ({ name }) => name === "d:1" });
  list.follow(D);
  assert.deepEqual(drain(list), ["a:1", "b:1", "c:1", "d:1"]);
});

Deno.test("Rotation.next() begins anywhere, and then one further each time", () => {
  const first = (random: number) => new Rotation([A, B, C], random).next()[0]?.name;
  assert.deepEqual([0, 0.34, 0.67, 0.999].map(first), ["a:1", "b:1", "c:1", "c:1"]);
  const rotation = new Rotation([A, B, C], 0.5);
  const lists = [1, 2, 3, 4].map(() => rotation.next().map(({ name }) => name).join(" "));
  assert.deepEqual(lists, ["b:1 c:1 a:1", "c:1 a:1 b:1", "a:1 b:1 c:1", "b:1 c:1 a:1"]);
});
