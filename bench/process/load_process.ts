// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from "node:url";
import type { LoadResult, Plan } from "../load/plan.ts";
import type { Pin } from "./pinned.ts";
import { unpinned } from "./pinned.ts";

const GENERATOR = fileURLToPath(new URL("../load/main.ts", import.meta.url));

/**
 * Carries out a plan in a process of its own, so that the load takes no time from this process or a server.
 *
 * @throws {Error} if the generator fails
 */
export async function generateLoad(plan: Plan, pin: Pin = unpinned): Promise<LoadResult> {
  const { file, args } = pin("load", { file: Deno.execPath(), args: ["run", "-A", GENERATOR] });
  const command = new Deno.Command(file, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  });
  await using child = command.spawn();
  const output = new Response(child.stdout).text();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(plan)));
  await input.close();
  const { success, code } = await child.status;
  if (!success) throw new Error(`The load generator ended with ${code}`);
  return JSON.parse(await output);
}
