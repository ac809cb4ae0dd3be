// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";
import { HAS_PERMISSIONS } from "./levels.ts";

/**
 * Ports below those that systems give to connections and to listeners that ask for any port (Linux from 32768, others
 * from 49152). One of those is given to somebody else as soon as nobody listens on it.
 */
const FIRST_PORT = 20_000;
const BLOCK_PORTS = 400;
const BLOCKS = 30;
const HOSTNAME = "127.0.0.1";
const RETRIES = 100;
const RETRY_AFTER_MS = 20;

/** Ports of which one file of tests has the first, so that no other, in whatever process, uses the rest. */
interface Block {
  readonly claim: Deno.Listener;
  readonly first: number;
}

// Taken before the first test, since it outlives each of them.
const BLOCK = HAS_PERMISSIONS ? claimBlock() : undefined;
let given = 0;

/**
 * A port of the loopback on which nobody listens, and which is left alone while nobody does: for a server that has to
 * know it before it starts, or that comes back to it, and for what is not to be reached.
 */
export function lastingPort(): number {
  if (BLOCK === undefined) throw new Error("Cannot find a port without permissions");
  return BLOCK.first + 1 + given++ % (BLOCK_PORTS - 1);
}

/** {@linkcode lastingPort} as `host:port`. */
export function lastingAddress(): string {
  return `${HOSTNAME}:${lastingPort()}`;
}

/**
 * Does what listens on a port that was closed a moment ago. A process that is being started has all that its parent
 * had open, until it runs its program, and so may hold the port on.
 */
export async function onceFree<T>(listen: () => Promise<T>): Promise<T> {
  for (let left = RETRIES;; left--) {
    try {
      return await listen();
    } catch (error) {
      if (left === 0) throw error;
      await delay(RETRY_AFTER_MS);
    }
  }
}

function claimBlock(): Block {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = FIRST_PORT + (start + tried) % BLOCKS * BLOCK_PORTS;
    const claim = tryListen(first);
    if (claim !== undefined) return { claim, first };
  }
  throw new Error(`Cannot find ports: each block from ${FIRST_PORT} on is in use`);
}

function tryListen(port: number): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname: HOSTNAME, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}
