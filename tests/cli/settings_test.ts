// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/commands.ts";
import type { Flag } from "../../src/cli/flag.ts";
import {
  environmentName,
  listFlag,
  oppositeName,
  optionalFlag,
  switchFlag,
  valueFlag,
} from "../../src/cli/flag.ts";
import { parseCommandArgs } from "../../src/cli/parse_args.ts";
import { resolveSettings } from "../../src/cli/settings.ts";
import { wholeNumber } from "../../src/cli/values.ts";

const parse = wholeNumber(0, 99);
const TABLE = {
  size: valueFlag("size", { placeholder: "N", fallback: "1", summary: "a size", parse }),
  limit: optionalFlag("limit", { placeholder: "N", summary: "a limit", parse }),
  ports: listFlag("port", { placeholder: "N", summary: "a port", parse }),
  noCache: switchFlag("no-cache", "keep no cache"),
  loud: switchFlag("loud", "say more"),
  json: switchFlag("json", "as JSON", { fromEnvironment: false }),
};

function resolve(args: readonly string[], env: Record<string, string> = {}) {
  return resolveSettings(TABLE, parseCommandArgs(TABLE, args).flagTexts, env);
}

Deno.test("resolveSettings() prefers the flag, then the environment, then the default", () => {
  const env = { TSORACLE_SIZE: "2" };
  const fromFlag = resolve(["--size", "3"], env);
  assert.deepEqual([fromFlag.settings.size, fromFlag.given.size.source], [3, "flag"]);
  const fromEnv = resolve([], env);
  assert.deepEqual([fromEnv.settings.size, fromEnv.given.size.source], [2, "environment"]);
  const fromDefault = resolve([]);
  assert.deepEqual([fromDefault.settings.size, fromDefault.given.size.source], [1, "default"]);
});

Deno.test("resolveSettings() leaves what is not set undefined, empty or false", () => {
  const { settings } = resolve([]);
  const { limit, ports, noCache, loud } = settings;
  assert.deepEqual({ limit, ports, noCache, loud }, {
    limit: undefined,
    ports: [],
    noCache: false,
    loud: false,
  });
});

Deno.test("resolveSettings() takes an empty variable for one that is not set", () => {
  assert.equal(resolve([], { TSORACLE_SIZE: "" }).given.size.source, "default");
});

Deno.test("resolveSettings() lets the last of several values count, and all of a list", () => {
  assert.equal(resolve(["--size=3", "--size", "4"]).settings.size, 4);
  assert.deepEqual(resolve(["--port", "1", "--port=2"]).settings.ports, [1, 2]);
  assert.deepEqual(resolve([], { TSORACLE_PORT: "1, 2" }).settings.ports, [1, 2]);
  assert.deepEqual(resolve(["--port", "7"], { TSORACLE_PORT: "1,2" }).settings.ports, [7]);
});

Deno.test("resolveSettings() lets a flag undo a switch that the environment set", () => {
  const env = { TSORACLE_NO_CACHE: "true", TSORACLE_LOUD: "true" };
  const set = resolve([], env).settings;
  assert.deepEqual([set.noCache, set.loud], [true, true]);
  const undone = resolve(["--cache", "--no-loud"], env).settings;
  assert.deepEqual([undone.noCache, undone.loud], [false, false]);
  assert.equal(resolve(["--cache", "--no-cache"]).settings.noCache, true);
});

Deno.test("resolveSettings() reads no variable for a flag of one call", () => {
  assert.equal(resolve([], { TSORACLE_JSON: "true" }).settings.json, false);
  assert.throws(() => resolve(["--no-json"]), { name: "UsageError" });
});

Deno.test("resolveSettings() names the flag or the variable that it refuses", () => {
  const name = "UsageError";
  assert.throws(() => resolve(["--size", "x"]), {
    name,
    message: /^Cannot use --size x: .*0 to 99$/,
  });
  assert.throws(() => resolve([], { TSORACLE_SIZE: "x" }), {
    name,
    message: /^Cannot use TSORACLE_SIZE=x: .*0 to 99$/,
  });
  assert.throws(() => resolve([], { TSORACLE_LOUD: "yes" }), {
    name,
    message: /^Cannot use TSORACLE_LOUD=yes: it must be true or false$/,
  });
});

Deno.test("parseCommandArgs() refuses unknown flags, with the one that was meant", () => {
  const name = "UsageError";
  assert.throws(() => resolve(["--sise", "1"]), { name, message: /did you mean --size\?/ });
  assert.throws(() => resolve(["--no-cahce"]), { name, message: /did you mean --no-cache\?/ });
  assert.throws(() => resolve(["--whatever"]), { name, message: /--help lists the flags/ });
  assert.throws(() => resolve(["-x"]), { name, message: /Cannot use -x/ });
});

Deno.test("parseCommandArgs() refuses a missing value and one too many", () => {
  assert.throws(() => resolve(["--size"]), { name: "UsageError", message: /--size/ });
  assert.throws(() => resolve(["--size", "--loud"]), { name: "UsageError", message: /--size/ });
  assert.throws(() => resolve(["--loud=yes"]), { name: "UsageError", message: /--loud/ });
});

Deno.test("parseCommandArgs() keeps what is no flag apart", () => {
  const { positionals } = parseCommandArgs(TABLE, ["a", "--size", "1", "b", "--", "--loud"]);
  assert.deepEqual(positionals, ["a", "b", "--loud"]);
});

function flagsOf(name: string): readonly Flag<unknown>[] {
  return Object.values(COMMANDS.find((command) => command.name === name)?.flags ?? {});
}

Deno.test("every command has flags with one name, one variable and a default that parses", () => {
  for (const command of COMMANDS) {
    const flags = flagsOf(command.name);
    const names = flags.flatMap((flag) => [flag.name, oppositeName(flag) ?? `${flag.name}!`]);
    assert.equal(new Set(names).size, names.length, command.name);
    for (const flag of flags) {
      assert.match(flag.name, /^[a-z]+(-[a-z]+)*$/);
      assert.match(environmentName(flag), /^TSORACLE_[A-Z_]+$/);
      assert.equal(flag.placeholder === "", flag.kind === "switch", flag.name);
      if (flag.fallback !== undefined) flag.read([flag.fallback]);
    }
  }
});

Deno.test("a variable that two commands read means the same to both", () => {
  const meanings = new Map<string, string>();
  for (const flag of COMMANDS.flatMap((command) => flagsOf(command.name))) {
    if (!flag.fromEnvironment) continue;
    const meaning = meanings.get(environmentName(flag)) ?? flag.summary;
    assert.equal(flag.summary, meaning, environmentName(flag));
    meanings.set(environmentName(flag), meaning);
  }
});
