// SPDX-License-Identifier: Apache-2.0

/**
 * The oracle on the memory driver, on a free port: everything but the disk, as the published figures of the
 * original were measured (behaviour.md 11.4).
 *
 * @module
 */

import { MemoryDriver } from "../../src/drivers/memory/mod.ts";
import { serve } from "../../src/net/mod.ts";
import { Oracle } from "../../src/server/mod.ts";

const oracle = new Oracle({ driver: new MemoryDriver(), heartbeatIntervalMs: 0 });
await oracle.untilServing();
const { address } = await serve(oracle, { port: 0 });
console.log(`serving on ${address}`);
