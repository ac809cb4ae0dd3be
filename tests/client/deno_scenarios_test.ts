// SPDX-License-Identifier: Apache-2.0

import { ioTest } from "../_support/levels.ts";
import { report } from "./_scripted/report.ts";
import { StageServer } from "./_scripted/stage_server.ts";
import { scenariosFor } from "./scenarios/all.ts";
import { playAll } from "./scenarios/_support/scenario.ts";

const AT_ONCE = 5;

ioTest("TsoClient on Deno does in every scenario what it should, over gRPC", async (t) => {
  const { TsoClient } = await import("../../src/client/mod.ts");
  await using stage = new StageServer();
  const scenarios = scenariosFor(["certificates", "own-connections"]);
  await report(t, await playAll(scenarios, { TsoClient, stageUrl: stage.url, atOnce: AT_ONCE }));
});

ioTest("TsoClient on Deno does in every scenario what it should, over gRPC-Web", async (t) => {
  const { TsoClient } = await import("../../src/client/web.ts");
  await using stage = new StageServer();
  const scenarios = scenariosFor([]);
  await report(t, await playAll(scenarios, { TsoClient, stageUrl: stage.url, atOnce: AT_ONCE }));
});
