// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { LONGEST_TIMER_MS } from "../../src/core/timer_limit.ts";
import type { Answer } from "../../src/rpc/answer.ts";
import { createDispatcher } from "../../src/rpc/dispatcher.ts";
import { withTimerDeadline } from "../../src/rpc/long_deadline.ts";
import { fakeSource } from "./_support/fake_source.ts";
import { urlOf } from "./_support/calls.ts";
import { watchTimers } from "../_support/timers.ts";

const LONG: readonly (readonly [string, string, string])[] = [
  ["grpc-timeout", "99999999S", "2147483S"],
  ["grpc-timeout", "99999999H", "2147483S"],
  ["grpc-timeout", "35792M", "2147483S"],
  ["connect-timeout-ms", "9999999999", "2147483647"],
  ["connect-timeout-ms", "2147483648", "2147483647"],
];

for (const [name, value, shortened] of LONG) {
  Deno.test(`withTimerDeadline() shortens ${name}: ${value} to ${shortened}`, () => {
    const long = request({ [name]: value, "x-other": "1" });
    const { header } = withTimerDeadline(long);
    assert.deepEqual([...header], [[name, shortened], ["x-other", "1"]]);
    assert.equal(long.header.get(name), value, "the request itself is left alone");
  });
}

Deno.test("withTimerDeadline() leaves deadlines alone that a timer can keep, and what is none", () => {
  for (
    const fields of [
      {},
      { "grpc-timeout": "2147483S", "connect-timeout-ms": "2147483647" },
      { "grpc-timeout": "99999999m" },
      { "grpc-timeout": "999999999S", "connect-timeout-ms": "99999999999" },
      { "grpc-timeout": "99999999", "connect-timeout-ms": "1e10" },
    ]
  ) {
    const usual = request(fields);
    assert.equal(withTimerDeadline(usual), usual);
  }
});

for (
  const [type, name, value] of [
    ["application/grpc", "grpc-timeout", "99999999S"],
    ["application/grpc-web+proto", "grpc-timeout", "99999999H"],
    ["application/json", "connect-timeout-ms", "9999999999"],
  ] as const
) {
  Deno.test(`createDispatcher() refuses ${name}: ${value} in ${type}, and no timer overflows`, async () => {
    const dispatch = createDispatcher(fakeSource(), { grpc: true });
    const timers = watchTimers();
    try {
      const answer = await dispatch(request({ "content-type": type, [name]: value }));
      assert.match(await textOf(answer), /grpc-status: 3\b|"invalid_argument"/);
    } finally {
      timers.restore();
    }
    assert.equal(timers.delaysMs.length, 1);
    assert.ok(timers.delaysMs.every((ms) => ms <= LONGEST_TIMER_MS), `${timers.delaysMs} ms`);
  });
}

function request(fields: Record<string, string>): UniversalServerRequest {
  return {
    httpVersion: "2.0",
    method: "POST",
    url: urlOf("GetTs"),
    header: new Headers(fields),
    body: (async function* () {})(),
    signal: new AbortController().signal,
  };
}

/** Everything of an answer that could say how a call ended. */
async function textOf({ header, body, trailer }: Answer): Promise<string> {
  const lines = Array.from(header ?? [], (field) => field.join(": "));
  for await (const chunk of body ?? []) lines.push(new TextDecoder().decode(chunk));
  return [...lines, ...Array.from(trailer ?? [], (field) => field.join(": "))].join("\n");
}
