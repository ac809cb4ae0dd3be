// SPDX-License-Identifier: Apache-2.0

import type { CliContext } from "../../../src/cli/main.ts";
import type { CliResult, RunningCli } from "./run_cli.ts";
import { startCli } from "./run_cli.ts";
import type { TempDir } from "./temp_dir.ts";
import { tempDir } from "./temp_dir.ts";

/** `tsoracle serve` in this process, on a free port of the loopback. Leaving its scope stops it. */
export interface LocalServer extends AsyncDisposable {
  /** `host:port` of the printed line. */
  readonly address: string;
  readonly directory: string;
  readonly cli: RunningCli;
  /** Sends one SIGTERM and waits for the end. */
  readonly stop: () => Promise<CliResult>;
}

/** Options of {@linkcode serveLocally}. */
export interface LocalServerOptions {
  /** Flags behind those that keep the server on free ports and in its own directory. */
  readonly flags?: readonly string[];
  readonly env?: CliContext["env"];
  /** The state directory; without it the server gets one that lives as long as it does. */
  readonly directory?: string;
}

/** Starts a server and waits for its line. */
export async function serveLocally(options: LocalServerOptions = {}): Promise<LocalServer> {
  const { flags = [], env = {} } = options;
  const own = options.directory === undefined ? await tempDir() : undefined;
  const directory = options.directory ?? own?.path ?? "";
  const placed = ["--listen", "127.0.0.1:0", "--no-metrics", "--state-dir", directory];
  const cli = startCli(["serve", ...placed, ...flags], env);
  const [, address = ""] = await announced(cli, own);
  const stop = () => {
    cli.signal("SIGTERM");
    return cli.result;
  };
  const dispose = async () => {
    await stop();
    await own?.[Symbol.asyncDispose]();
  };
  return { address, directory, cli, stop, [Symbol.asyncDispose]: dispose };
}

async function announced(cli: RunningCli, own: TempDir | undefined): Promise<RegExpExecArray> {
  try {
    return await cli.until(/^serving on (\S+)$/m);
  } catch (error) {
    await own?.[Symbol.asyncDispose]();
    throw error;
  }
}
