// SPDX-License-Identifier: Apache-2.0

// Asks a server that cannot be connected to, gives up, and has to end soon by itself: `give_up.ts ADDRESS HOW`.

import process from "node:process";
import { TsoClient } from "../../../src/client/mod.ts";

const [address = "", how] = process.argv.slice(2);
const client = new TsoClient({ endpoints: [address] });
const limits = how === "signal" ? { signal: AbortSignal.timeout(200) } : { timeoutMs: 200 };
const call = how === "sequence" ? client.getSeq("orders", 1, limits) : client.getTs(limits);
process.stdout.write(await call.then(() => "answered", () => "gave up"));
if (how === "close") await client.close();
