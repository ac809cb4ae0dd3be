// SPDX-License-Identifier: Apache-2.0

import { Scene } from "./scene.ts";
import type { SceneOptions } from "./scene.ts";

/** What not every client can do. */
export type Ability =
  /** It takes certificates. */
  | "certificates"
  /** Its connections are its own, so that it knows what was sent and closes them; those of `fetch` are not. */
  | "own-connections";

/** Something that happens to a client, in any runtime and over any transport. */
export interface Scenario {
  /** What it proves of the client. */
  readonly name: string;
  /** What the client must be able to do. */
  readonly needs?: Ability;
  /** Fails if the client does not do what the name says. */
  readonly run: (scene: Scene) => Promise<void>;
}

/** What came of a scenario. It survives JSON. */
export interface Outcome {
  /** The scenario's name. */
  readonly name: string;
  /** Why it failed, if it did. */
  readonly failure?: string;
}

const LIMIT_MS = 60_000;

/** Plays a scenario to its end. */
export async function play(scenario: Scenario, options: SceneOptions): Promise<void> {
  const scene = new Scene(options);
  try {
    await limited(scenario.run(scene));
  } finally {
    await scene.end();
  }
}

/** Plays scenarios, some at a time, for a process that reports to another. */
export async function playAll(
  scenarios: readonly Scenario[],
  options: SceneOptions & { readonly atOnce: number },
): Promise<readonly Outcome[]> {
  const waiting = [...scenarios];
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.push(await outcomeOf(next, options));
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
  return outcomes;
}

async function outcomeOf(scenario: Scenario, options: SceneOptions): Promise<Outcome> {
  const { name } = scenario;
  try {
    await play(scenario, options);
    return { name };
  } catch (error) {
    return { name, failure: error instanceof Error ? error.stack ?? error.message : String(error) };
  }
}

async function limited(run: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const text = `it has not ended after ${LIMIT_MS} ms`;
    timer = setTimeout(() => reject(new Error(text)), LIMIT_MS);
  });
  try {
    await Promise.race([run, late]);
  } finally {
    clearTimeout(timer);
  }
}
