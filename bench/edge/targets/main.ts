// SPDX-License-Identifier: Apache-2.0

/**
 * The servers that `deno task bench:edge` compares, each in a process of its own, on Deno and, bundled, on Node. The
 * first argument names the server; the second is the edge of `edge`, or what goes each way for `echo`, as JSON.
 *
 * @module
 */

import process from "node:process";
import { readEdge } from "../options.ts";
import { serveByAdapter } from "./adapter.ts";
import { serveByHand } from "./by_hand.ts";
import { serveCeiling } from "./ceiling.ts";
import { startCountedOracle } from "./counted_oracle.ts";
import { serveEcho } from "./echo.ts";
import { tellFigure } from "./listen.ts";
import { serveByEdge } from "./own_edge.ts";

async function start(name: string, detail: string): Promise<number> {
  if (name === "ceiling") return await serveCeiling();
  if (name === "echo") return await serveEcho(JSON.parse(detail));
  const { oracle, grants } = await startCountedOracle();
  console.error(`grants on port ${await tellFigure(grants)}`);
  switch (name) {
    case "adapter":
      return await serveByAdapter(oracle);
    case "by hand":
      return await serveByHand(oracle);
    case "edge":
      return await serveByEdge(oracle, readEdge(detail));
    default:
      throw new Error(`there is no server '${name}'`);
  }
}

// Ends it in a way that lets a profiler write what it found.
process.once("SIGTERM", () => process.exit());
const [name = "", detail = ""] = process.argv.slice(2);
console.log(`serving on 127.0.0.1:${await start(name, detail)}`);
