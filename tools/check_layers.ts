// SPDX-License-Identifier: Apache-2.0

/**
 * Proves that imports follow the arrows between the rooms of `src/`, and that no import goes in a circle.
 * Prints each violation as `file:line: rule` and exits 1 if there is one.
 *
 * It reads statements the way `deno fmt` leaves them: at the start of a line, names in double quotes.
 *
 * @module
 */

import { dirname, join, normalize, relative } from "node:path/posix";

/** A source file: its path from the root of the repository, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A broken rule and where. */
export interface Violation {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** One import of a file. */
export interface Import {
  readonly specifier: string;
  /** Counted from 1. */
  readonly line: number;
}

interface Room {
  /** The rooms that this one may import, besides itself. */
  readonly uses: readonly string[];
  /** Packages that this room may import. Absent: any. */
  readonly packages?: RegExp;
}

const NOTHING = /^$/;
const SERVER_PACKAGES = /^@logtape\/logtape$/;
const RPC_PACKAGES = /^(@connectrpc\/connect|@bufbuild\/protobuf|@logtape\/logtape)(\/|$)/;
const CLIENT_PACKAGES = /^(@connectrpc\/connect(-web)?|@bufbuild\/protobuf)(\/|$)/;
const GRPC_PACKAGES = /^(node:(net|tls|timers)$|(@connectrpc\/connect|@bufbuild\/protobuf)(\/|$))/;
const BELOW_NET = ["core", "clock", "consensus", "server", "rpc", "gen"];

const ROOMS: Readonly<Record<string, Room>> = {
  core: { uses: [], packages: NOTHING },
  gen: { uses: [], packages: /^@bufbuild\/protobuf(\/|$)/ },
  clock: { uses: ["core"], packages: /^@std\/async$/ },
  consensus: { uses: ["core"], packages: NOTHING },
  grpc: { uses: ["core", "clock", "http2"], packages: GRPC_PACKAGES },
  drivers: { uses: ["core", "clock", "consensus", "gen", "grpc"] },
  server: { uses: ["core", "clock", "consensus"], packages: SERVER_PACKAGES },
  rpc: { uses: ["core", "consensus", "server", "gen"], packages: RPC_PACKAGES },
  http2: { uses: ["core"] },
  net: { uses: [...BELOW_NET, "http2"] },
  client: { uses: ["core", "clock", "gen", "http2"], packages: CLIENT_PACKAGES },
  observe: { uses: ["core", "consensus", "server"] },
  testing: { uses: ["core", "clock", "consensus", "server"] },
  cli: { uses: [...BELOW_NET, "drivers", "net", "observe", "testing", "client"] },
};

/** A folder of a room, with rules of its own. */
interface Corner {
  /** Packages that it may import besides those of its room. */
  readonly packages: RegExp;
  /** Rooms that it may import besides those of its room. */
  readonly uses?: readonly string[];
  /** The only files outside it that may import it. */
  readonly doors: readonly string[];
}

/** What a browser cannot load stays behind one door, so that `./web` cannot reach it. */
const CORNERS: Readonly<Record<string, Corner>> = {
  "src/client/channels/node": {
    packages: NOTHING,
    uses: ["grpc"],
    doors: ["src/client/node_client.ts"],
  },
  "src/client/node_client.ts": { packages: NOTHING, doors: ["src/client/mod.ts"] },
};

const STATEMENT =
  /^(?:import|export)\s+(?:(?:type\s+)?(?:[\w$]+\s*,\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+)\s+from\s+)?"([^"\n]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"\n]+)"/g;

/** Finds the static and dynamic imports and re-exports of a module. Comments are passed over. */
export function importsOf(text: string): readonly Import[] {
  const code = text.replace(/\/\*[^]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/^\s*\/\/.*$/gm, "");
  return [STATEMENT, DYNAMIC].flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => ({
      specifier: match[1] ?? "",
      line: code.slice(0, match.index).split("\n").length,
    }))
  );
}

/** Finds every broken arrow and every circle among the files of `src/`. */
export function findViolations(files: readonly SourceFile[]): readonly Violation[] {
  return [...files.flatMap(brokenArrows), ...circles(files)];
}

function brokenArrows(file: SourceFile): readonly Violation[] {
  const from = roomOf(file.path);
  if (from === undefined) return [];
  return importsOf(file.text).flatMap(({ specifier, line }) => {
    const message = objection(file.path, from, specifier);
    return message === undefined ? [] : [{ path: file.path, line, message }];
  });
}

/** `src/net/listener.ts` lies in room `net`; a file directly in `src/` belongs to no room. */
function roomOf(path: string): string | undefined {
  const [top, room, ...rest] = path.split("/");
  return top === "src" && rest.length > 0 ? room : undefined;
}

function objection(path: string, from: string, specifier: string): string | undefined {
  const rules = ROOMS[from];
  if (rules === undefined) return `room ${from} is not known to tools/check_layers.ts`;
  if (!specifier.startsWith(".")) {
    if (rules.packages?.test(specifier) ?? true) return undefined;
    if (cornerOf(path)?.packages.test(specifier)) return undefined;
    return `room ${from} may not import ${specifier}`;
  }
  const target = join(dirname(path), specifier);
  const to = roomOf(target);
  if (to === undefined) {
    return target === "src/version.ts" ? undefined : `room ${from} may not import ${target}`;
  }
  if (to === from) return throughWall(path, target) ?? acrossDrivers(path, target);
  const isAllowed = rules.uses.includes(to) || cornerOf(path)?.uses?.includes(to);
  return isAllowed ? undefined : `room ${from} may not import room ${to}`;
}

function cornerOf(path: string): Corner | undefined {
  const found = Object.entries(CORNERS).find(([name]) => isWithin(path, name));
  return found?.[1];
}

function isWithin(path: string, corner: string): boolean {
  return path === corner || path.startsWith(`${corner}/`);
}

/** A corner is entered through its doors only. */
function throughWall(path: string, target: string): string | undefined {
  const corner = cornerOf(target);
  if (corner === undefined || corner === cornerOf(path)) return undefined;
  if (corner.doors.includes(path)) return undefined;
  return `${path} may not import ${target}: only ${corner.doors.join(", ")} may`;
}

/** Folders of the drivers that hold what several engines share. */
const SHARED_BY_DRIVERS = ["cluster", "records"];

/** One engine's driver never leans on another's. */
function acrossDrivers(path: string, target: string): string | undefined {
  const [, , from, ...inside] = path.split("/");
  const [, room, to, ...there] = target.split("/");
  if (room !== "drivers" || from === to || inside.length === 0 || there.length === 0) {
    return undefined;
  }
  if (to !== undefined && SHARED_BY_DRIVERS.includes(to)) return undefined;
  return `driver ${from} may not import driver ${to}`;
}

function circles(files: readonly SourceFile[]): readonly Violation[] {
  const graph = new Map(files.map((file) => [file.path, edgesOf(file)]));
  const found: Violation[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    if (done.has(path)) return;
    for (const { target, line } of graph.get(path) ?? []) {
      const start = [...trail, path].indexOf(target);
      if (start < 0) visit(target, [...trail, path]);
      else {
        const circle = [...trail, path].slice(start).concat(target).join(" -> ");
        found.push({ path, line, message: `imports go in a circle: ${circle}` });
      }
    }
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

function edgesOf(file: SourceFile): readonly { readonly target: string; readonly line: number }[] {
  return importsOf(file.text)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier, line }) => ({
      target: normalize(join(dirname(file.path), specifier)),
      line,
    }));
}

/** Reads `mod.ts` and every module under `src/`. */
export async function readSources(root: string): Promise<readonly SourceFile[]> {
  const paths = [join(root, "mod.ts"), ...await modulesUnder(join(root, "src"))];
  return Promise.all(paths.map(async (path) => ({
    path: relative(root, path),
    text: await Deno.readTextFile(path),
  })));
}

async function modulesUnder(folder: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const nested = await Promise.all(entries.map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory) return modulesUnder(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  }));
  return nested.flat().sort();
}

if (import.meta.main) {
  const sources = await readSources(join(import.meta.dirname ?? ".", ".."));
  const violations = findViolations(sources);
  for (const { path, line, message } of violations) console.error(`${path}:${line}: ${message}`);
  console.log(`${sources.length} files, ${violations.length} violations`);
  if (violations.length > 0) Deno.exit(1);
}
