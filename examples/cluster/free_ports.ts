// SPDX-License-Identifier: Apache-2.0

/**
 * Below the ports that systems give to whoever asks for any (Linux from 32768, others from 49152): a node that was
 * killed finds its own free when it comes back.
 */
const LOWEST = 10_000;
const HIGHEST = 19_900;
const ATTEMPTS = 1_000;

const given = new Set<number>();

/** Ports of the loopback that nobody uses at the moment, other ones each time. */
export function freePorts(count: number): readonly number[] {
  return Array.from({ length: count }, freePort);
}

function freePort(): number {
  for (let left = ATTEMPTS; left > 0; left--) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port) || !isFree(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`Cannot find a free port from ${LOWEST} to ${HIGHEST}`);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
