// SPDX-License-Identifier: Apache-2.0

import { FileStateError } from "../drivers/file/mod.ts";
import type { TextOutput } from "./context.ts";
import { CommandError, EXIT, UsageError } from "./errors.ts";

/**
 * Tells a person what went wrong: one line for what they can act on, a stack for a bug of ours.
 *
 * @returns the exit code
 */
export function reportError(error: unknown, stderr: TextOutput): number {
  if (error instanceof UsageError) {
    stderr.write(`error: ${error.message}\n`);
    return EXIT.usage;
  }
  stderr.write(isExpected(error) ? `error: ${error.message}\n` : unexpected(error));
  return error instanceof CommandError ? error.exitCode : EXIT.failure;
}

function isExpected(error: unknown): error is Error {
  return error instanceof CommandError || error instanceof FileStateError ||
    isRefusedPermission(error);
}

/** Deno names the missing permission, and how to give it, in the message. */
function isRefusedPermission(error: unknown): error is Error {
  return error instanceof Error && error.name === "NotCapable";
}

function unexpected(error: unknown): string {
  const what = error instanceof Error ? error.stack ?? error.message : String(error);
  return `error: this should not happen, please report it\n${what}\n`;
}
