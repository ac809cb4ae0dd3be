// SPDX-License-Identifier: Apache-2.0

import { FileChild, type Runtime } from "./file_child.ts";

/** A whole number from 0 on, below another. */
export type Random = (below: number) => number;

/** Small, fast and repeatable: the seed is printed, and gives the same moments again (xorshift32). */
export function seededRandom(
  seed: number = 1 + Math.floor(Math.random() * 0xffff_fffe),
): Random {
  console.log(`seed ${seed}`);
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One life of a child under load, ended at a random moment of a random write; what it printed. */
export async function liveAndDie(
  args: readonly [string, ...string[]],
  options: { readonly runtime: Runtime; readonly random: Random },
): Promise<string[]> {
  const { runtime, random } = options;
  await using child = await FileChild.start(args, { runtime });
  const lines: string[] = [];
  for (let left = 1 + random(40); left > 0; left--) lines.push(await child.line() ?? "");
  const moment = performance.now() + random(3_000) / 1_000;
  while (performance.now() < moment) continue;
  await child.kill();
  return [...lines, ...await child.rest()];
}
