// SPDX-License-Identifier: Apache-2.0

/**
 * One flag: what it is called, what it takes and what it means. A table of them is all that parsing, the
 * environment, `--help`, `--print-config` and docs/cli.md know.
 */
export interface Flag<T> {
  /** The name, without the dashes. */
  readonly name: string;
  /** `value`: the last one counts; `list`: all count; `switch`: takes no value. */
  readonly kind: "value" | "list" | "switch";
  /** What stands for the value in `--help`; empty for a switch. */
  readonly placeholder: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** What counts if nothing is given, written as on the command line. Absent: nothing. */
  readonly fallback: string | undefined;
  /** Whether the environment may set it. */
  readonly fromEnvironment: boolean;
  /** Whether a comma in its variable belongs to the value; otherwise it parts the values of a list. */
  readonly takesCommas?: boolean;
  /** What may be printed of a text; absent: all of it. */
  readonly show?: (text: string) => string;
  /**
   * Turns the texts given into the value; the list is empty if there is not even a default.
   *
   * @throws {ValueError} naming the rule that a text breaks
   */
  read(texts: readonly string[]): T;
}

/** Flags by the name that the program knows them by. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table of flags. */
export type Settings<Table extends FlagTable> = {
  readonly [Key in keyof Table]: Table[Key] extends Flag<infer T> ? T : never;
};

/** Describes a flag that takes a value. */
export interface ValueFlagOptions<T> {
  readonly placeholder: string;
  readonly summary: string;
  /**
   * Whether the environment may set the flag.
   *
   * @default {true}
   */
  readonly fromEnvironment?: boolean;
  /** Whether a comma in its variable belongs to the value; otherwise it parts the values of a list. */
  readonly takesCommas?: boolean;
  /** What may be printed of a text; absent: all of it. */
  readonly show?: (text: string) => string;
  /** Turns one text into the value, and throws a {@linkcode ValueError} that names the rule. */
  readonly parse: (text: string) => T;
}

/** Describes a flag that has a default. */
export interface DefaultedFlagOptions<T> extends ValueFlagOptions<T> {
  readonly fallback: string;
}

/** Makes a flag that always has a value, because it has a default. */
export function valueFlag<T>(name: string, options: DefaultedFlagOptions<T>): Flag<T> {
  const { parse, fallback, fromEnvironment = true, ...described } = options;
  const read = (texts: readonly string[]) => parse(texts.at(-1) ?? fallback);
  return { name, kind: "value", fallback, fromEnvironment, ...described, read };
}

/** Makes a flag that may be absent. */
export function optionalFlag<T>(
  name: string,
  options: ValueFlagOptions<T>,
): Flag<T | undefined> {
  const { parse, fromEnvironment = true, ...described } = options;
  const read = (texts: readonly string[]) => {
    const text = texts.at(-1);
    return text === undefined ? undefined : parse(text);
  };
  return { name, kind: "value", fallback: undefined, fromEnvironment, ...described, read };
}

/** Describes a flag that may be given several times. */
export interface ListFlagOptions<T> extends ValueFlagOptions<T> {
  /** The one value that counts if none is given. */
  readonly fallback?: string;
}

/** Makes a flag that may be given several times; in the environment, commas part its values. */
export function listFlag<T>(name: string, options: ListFlagOptions<T>): Flag<readonly T[]> {
  const { parse, fallback, fromEnvironment = true, ...described } = options;
  const read = (texts: readonly string[]) => texts.map(parse);
  return { name, kind: "list", fallback, fromEnvironment, ...described, read };
}

/** Makes a flag without a value, off by default. */
export function switchFlag(
  name: string,
  summary: string,
  options: { readonly fromEnvironment?: boolean } = {},
): Flag<boolean> {
  const { fromEnvironment = true } = options;
  const read = (texts: readonly string[]) => texts.at(-1) === "true";
  return {
    name,
    kind: "switch",
    placeholder: "",
    summary,
    fallback: "false",
    fromEnvironment,
    read,
  };
}

/** The environment variable of a flag: `--state-dir` is `TSORACLE_STATE_DIR`. */
export function environmentName(flag: Flag<unknown>): string {
  return `TSORACLE_${flag.name.toUpperCase().replaceAll("-", "_")}`;
}

/** The flag that undoes a switch which the environment may have set: `--no-metrics` and `--metrics`. */
export function oppositeName(flag: Flag<unknown>): string | undefined {
  if (flag.kind !== "switch" || !flag.fromEnvironment) return undefined;
  return flag.name.startsWith("no-") ? flag.name.slice(3) : `no-${flag.name}`;
}
