// SPDX-License-Identifier: Apache-2.0

import { chromiumTest, openTab } from "../browser/_support/chromium.ts";
import { startSite } from "../browser/_support/site.ts";
import { report } from "./_scripted/report.ts";
import { StageServer } from "./_scripted/stage_server.ts";
import type {} from "./scenarios/on_page.ts";

chromiumTest(
  "TsoClient in Chromium does in every scenario what it should",
  async (program, t) => {
    await using site = await startSite("tests/client/scenarios/on_page.ts");
    await using stage = new StageServer();
    await using tab = await openTab(program);
    await tab.goto(`${site.origin}/`);
    const play = (stageUrl: string) => globalThis.playScenarios(stageUrl);
    await report(t, await tab.evaluate(play, stage.url));
  },
);
