// SPDX-License-Identifier: Apache-2.0

/**
 * Where one of the servers of `deno task bench:edge` spends its time: it runs on Node under `--cpu-prof` while h2load asks
 * it, and what each function took by itself is printed. The profile stays in the directory, for a closer look in the
 * developer tools of a browser.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { findPin } from "../../process/pinned.ts";
import type { Program } from "../../process/server_process.ts";
import { ServerProcess } from "../../process/server_process.ts";
import { formatTable } from "../../table.ts";
import { H2load } from "../load/h2load.ts";
import { findNode } from "../runners.ts";
import { SERVER_NAMES } from "../servers.ts";
import { selfTimes } from "./self_times.ts";

const USAGE = `deno run -A bench/edge/profile/main.ts DIRECTORY [--server NAME] [--edge NAME]

  DIRECTORY  where the profile is left; it must exist
  --server   ${SERVER_NAMES.join(", ")} (default: edge)
  --edge     which edge of serve() to profile (default: http2)
`;

const SHAPE = { connections: 10, streams: 100 };
const WARM_UP_MS = 2_000;
const MEASURE_MS = 5_000;
const ROWS = 40;
const PROFILE = "edge.cpuprofile";

interface ProfileOptions {
  readonly directory: string;
  readonly server: string;
  readonly edge: string;
}

async function profile({ directory, server, edge }: ProfileOptions): Promise<string> {
  const node = await findNode(directory);
  if (node === undefined) throw new Error("Cannot profile without Node: install it");
  const pin = await findPin();
  const h2load = await H2load.prepare(directory, pin);
  const program = underProfiler(node.program("targets", [server, edge]), directory);
  {
    await using process = await ServerProcess.start(pin("server", program));
    for (const ms of [WARM_UP_MS, MEASURE_MS]) {
      await h2load.run({ port: process.port, ...SHAPE, until: { ms } });
    }
  }
  const text = await Deno.readTextFile(join(directory, PROFILE));
  const rows = selfTimes(JSON.parse(text)).slice(0, ROWS)
    .map(({ place, share }) => [place, (share * 100).toFixed(1)]);
  return formatTable(["function", "% of time"], rows);
}

function underProfiler({ file, args }: Program, directory: string): Program {
  const flags = ["--cpu-prof", `--cpu-prof-dir=${directory}`, `--cpu-prof-name=${PROFILE}`];
  return { file, args: [...flags, ...args] };
}

function readOptions(args: readonly string[]): ProfileOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      server: { type: "string", default: "edge" },
      edge: { type: "string", default: "http2" },
    },
  });
  const [directory] = positionals;
  return directory === undefined ? undefined : { directory, ...values };
}

const options = readOptions(Deno.args);
console.log(options === undefined ? USAGE : await profile(options));
