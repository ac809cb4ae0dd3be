// SPDX-License-Identifier: Apache-2.0

// Runs in Node: plays every scenario against the stage that the argument names, and prints the outcomes.

import process from "node:process";
import { TsoClient } from "../../../src/client/mod.ts";
import { scenariosFor } from "./all.ts";
import { playAll } from "./_support/scenario.ts";
import { Scene } from "./_support/scene.ts";

const [, , stageUrl = ""] = process.argv;
const scenarios = scenariosFor(["certificates", "own-connections"]);
const outcomes = await playAll(scenarios, { TsoClient, stageUrl, atOnce: 5 });
process.stdout.write(`${JSON.stringify(outcomes)}\n`);

// Nobody closes this one: its idle connection must not keep the process.
const scene = new Scene({ TsoClient, stageUrl });
await scene.connect({ cluster: await scene.open({}) }).getTs();
