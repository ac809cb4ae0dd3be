// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async";

/** Below the ports that systems give by themselves and those of `lasting_port.ts`: who listens on it has the turn. */
const TURN_PORT = 19_997;
const RETRY_AFTER_MS = 20;
const LIMIT_MS = 300_000;

/**
 * Waits for its turn with the network interfaces of this machine, which one has at a time, in whatever process. A
 * browser takes it for as long as it runs, and who adds or removes an interface for that moment: Chromium fails
 * whatever it has under way when it is told of another address (`ERR_NETWORK_CHANGED`).
 *
 * @throws {Error} if the turn does not come within five minutes
 */
export async function networkTurn(): Promise<Disposable> {
  const endMs = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: TURN_PORT });
      return { [Symbol.dispose]: () => listener.close() };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || performance.now() > endMs) throw error;
    }
    await delay(RETRY_AFTER_MS);
  }
}
