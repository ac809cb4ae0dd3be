// SPDX-License-Identifier: Apache-2.0

// Runs in a browser. The test calls what is put on `globalThis` here.

import { TsoClient } from "../../../src/client/web.ts";
import { scenariosFor } from "./all.ts";
import { playAll } from "./_support/scenario.ts";
import type { Outcome } from "./_support/scenario.ts";

declare global {
  /** Plays every scenario that a browser can be in. */
  var playScenarios: (stageUrl: string) => Promise<readonly Outcome[]>;
}

/** One less than the connections that a browser opens to the stage: a scenario that waits there holds one. */
const AT_ONCE = 5;

globalThis.playScenarios = (stageUrl) =>
  playAll(scenariosFor([]), { TsoClient, stageUrl, atOnce: AT_ONCE });
