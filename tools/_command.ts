// SPDX-License-Identifier: Apache-2.0

/** Runs a program with this process's output. @returns whether it ended with 0 */
export async function run(program: string, args: readonly string[]): Promise<boolean> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null" });
  await using child = command.spawn();
  return (await child.status).success;
}

/** Runs a program quietly. @returns what it wrote to stdout, trimmed; undefined if it failed */
export async function ask(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null" });
  const { success, stdout } = await command.output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

/** Runs buf, at the version that the task `buf` of `deno.json` pins. */
export function buf(...args: readonly string[]): Promise<boolean> {
  return run(Deno.execPath(), ["task", "--quiet", "buf", ...args]);
}
