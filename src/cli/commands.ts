// SPDX-License-Identifier: Apache-2.0

import type { Command } from "./command.ts";
import { BENCH_COMMAND } from "./commands/bench.ts";
import { DECODE_COMMAND } from "./commands/decode.ts";
import { GET_COMMAND } from "./commands/get.ts";
import { INIT_COMMAND } from "./commands/init.ts";
import { LEASE_COMMAND } from "./commands/lease.ts";
import { RESTORE_COMMAND } from "./commands/restore.ts";
import { SEQ_COMMAND } from "./commands/seq.ts";
import { SERVE_COMMAND } from "./commands/serve.ts";
import { STATUS_COMMAND } from "./commands/status.ts";
import { VERSION_COMMAND } from "./commands/version.ts";

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly Command[] = [
  SERVE_COMMAND,
  GET_COMMAND,
  SEQ_COMMAND,
  LEASE_COMMAND,
  STATUS_COMMAND,
  BENCH_COMMAND,
  INIT_COMMAND,
  RESTORE_COMMAND,
  DECODE_COMMAND,
  VERSION_COMMAND,
];
