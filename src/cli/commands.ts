// SPDX-License-Identifier: Apache-2.0

import type { Command } from "./command.ts";
import { DECODE_COMMAND } from "./commands/decode.ts";
import { GET_COMMAND } from "./commands/get.ts";
import { INIT_COMMAND } from "./commands/init.ts";
import { SERVE_COMMAND } from "./commands/serve.ts";
import { VERSION_COMMAND } from "./commands/version.ts";

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly Command[] = [
  SERVE_COMMAND,
  GET_COMMAND,
  INIT_COMMAND,
  DECODE_COMMAND,
  VERSION_COMMAND,
];
