// SPDX-License-Identifier: Apache-2.0

// Takes a timestamp, closes nothing, and has to end by itself: `take_and_forget.ts ADDRESS [web]`.

import process from "node:process";
import { TsoClient } from "../../../src/client/mod.ts";
import { TsoClient as WebClient } from "../../../src/client/web.ts";

const [address = "", entry] = process.argv.slice(2);
const client = new (entry === "web" ? WebClient : TsoClient)({ endpoints: [address] });
await client.getTs();
await client.getTs({ signal: new AbortController().signal, timeoutMs: 600_000 });
await client.getSeq("orders");
process.stdout.write(`${await client.getTs({ timeoutMs: 600_000 })}\n`);
