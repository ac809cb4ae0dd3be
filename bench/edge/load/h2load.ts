// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { GET_TS_PATH, requestFrame } from "../../load/block.ts";
import { outputOf } from "../../process/output_of.ts";
import type { Pin } from "../../process/pinned.ts";

/** Connections, and calls under way on each of them. */
export interface Shape {
  readonly connections: number;
  readonly streams: number;
}

/** How a shape is called in tables. */
export function nameOf({ connections, streams }: Shape): string {
  return `${connections} x ${streams}`;
}

/** What a load found. */
export interface LoadCount {
  /** Calls that were answered well within the measurement. */
  readonly successes: number;
  /** Calls that were not. */
  readonly failures: number;
  /** What is known of the first of them. */
  readonly firstFailure?: string;
  /** Calls that the server must have granted for that. */
  readonly requests: number;
  /** Successes per second. */
  readonly perSecond: number;
}

/** For how long to ask, in milliseconds, or how often. */
export type Until = { readonly ms: number } | { readonly requests: number };

/** What {@linkcode H2load.run} is to do. */
export interface H2loadPlan extends Shape {
  /** A port of 127.0.0.1. */
  readonly port: number;
  readonly until: Until;
  /** Sends `grpc-timeout` with each call. */
  readonly timeout?: string | undefined;
}

/**
 * How much longer than asked for h2load may take. With many connections it sometimes does not end by itself; a server
 * whose queue of connections is too short for all of them makes that likely.
 */
const PATIENCE_MS = 30_000;

/**
 * Asks for one timestamp at a time with h2load. There is no warm-up: with h2load's own the grants of the oracle would not prove
 * the successes.
 */
export class H2load {
  readonly #bodyFile: string;
  readonly #pin: Pin;

  private constructor(bodyFile: string, pin: Pin) {
    this.#bodyFile = bodyFile;
    this.#pin = pin;
  }

  /** Writes what it posts to a file. */
  static async prepare(directory: string, pin: Pin): Promise<H2load> {
    const bodyFile = join(directory, "request");
    await Deno.writeFile(bodyFile, requestFrame(1));
    return new H2load(bodyFile, pin);
  }

  /**
   * Runs it once.
   *
   * @throws {Error} if it fails, or prints nothing that can be read
   */
  async run(plan: H2loadPlan): Promise<LoadCount> {
    const { port, connections, streams, until, timeout } = plan;
    const args = [
      `--clients=${connections}`,
      `--max-concurrent-streams=${streams}`,
      "ms" in until ? `--duration=${until.ms}ms` : `--requests=${until.requests}`,
      `--data=${this.#bodyFile}`,
      "--header=content-type: application/grpc",
      "--header=te: trailers",
      ...timeout === undefined ? [] : [`--header=grpc-timeout: ${timeout}`],
      `http://127.0.0.1:${port}${GET_TS_PATH}`,
    ];
    const program = this.#pin("load", { file: "h2load", args });
    const deadlineMs = "ms" in until ? until.ms + PATIENCE_MS : undefined;
    return readH2load(await outputOf(program, deadlineMs));
  }
}

/**
 * Reads what h2load prints. It takes every answer of HTTP 200 for a success, whatever its trailers say; one without a
 * message counts as a failure here, as far as the bytes of all tell.
 *
 * @throws {Error} if it is not what h2load prints
 */
export function readH2load(text: string): LoadCount {
  const numbers = (line: RegExp) => {
    const found = line.exec(text);
    if (found === null) throw new Error(`h2load printed something else: ${text}`);
    return found.slice(1).map(Number);
  };
  const [done = 0, successes = 0, failed = 0, errored = 0, late = 0] = numbers(
    /(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/,
  );
  const [perSecond = 0] = numbers(/finished in .*, ([\d.]+) req\/s/);
  const [bytes = 0] = numbers(/\((\d+)\) data$/m);
  const failures = Math.max(failed + errored + late, done - successes);
  if (bytes < successes * LEAST_ANSWER_BYTES) {
    return { successes: 0, failures: done, firstFailure: "no message", requests: 0, perSecond: 0 };
  }
  return { successes, failures, requests: successes, perSecond };
}

/** The frame of a message whose only fields are the time, the count and the epoch. */
const LEAST_ANSWER_BYTES = 16;
