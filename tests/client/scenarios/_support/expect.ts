// SPDX-License-Identifier: Apache-2.0

// Scenarios run in browsers too, which have no node:assert.

import type { ClientErrorCode } from "../../../../src/client/errors.ts";
import { TsoClientError } from "../../../../src/client/errors.ts";

const LIMIT_MS = 50_000;
const LOOK_EVERY_MS = 5;

/** Fails unless the condition holds. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails unless both are the same primitive value. */
export function expectSame<T>(actual: T, expected: T, what: string): void {
  expect(Object.is(actual, expected), `${what}: ${describe(actual)}, not ${describe(expected)}`);
}

/** Fails unless the call fails with this code. */
export async function expectFailure(
  call: Promise<unknown>,
  code: ClientErrorCode,
): Promise<TsoClientError> {
  const error = await failureOf(call);
  expect(error instanceof TsoClientError, `it failed with ${describe(error)}, not ${code}`);
  expectSame(error.code, code, `the code of "${error.message}"`);
  return error;
}

/** What a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    return error;
  }
  throw new Error(`a call did not fail: it gave ${describe(value)}`);
}

/** Waits for a state that nothing announces. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + LIMIT_MS;
  while (!isSo()) {
    expect(Date.now() < endMs, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
