// SPDX-License-Identifier: Apache-2.0

import { POSTGRES_MISSING, PostgresServer } from "../../../_support/engines/postgres_server.ts";
import { ioTestNeeding } from "../../../_support/levels.ts";

/**
 * Tests that leave the server as they found it share one. Each gets the name of an oracle of its own, which stands for
 * an empty database.
 */
export function testOnOneServer(
  subject: string,
  tests: Readonly<Record<string, (server: PostgresServer, name: string) => Promise<void>>>,
): void {
  ioTestNeeding(POSTGRES_MISSING, subject, async (t) => {
    await using server = await PostgresServer.start();
    for (const [title, test] of Object.entries(tests)) {
      await t.step(title, () => test(server, crypto.randomUUID()));
    }
  });
}
