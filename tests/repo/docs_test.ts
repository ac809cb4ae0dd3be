// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { ioTest } from "../_support/levels.ts";
import { readSources } from "../../tools/check_layers.ts";

const ROOT = join(import.meta.dirname ?? ".", "..", "..");

interface Page {
  readonly path: string;
  readonly text: string;
}

async function pagesIn(folder: string): Promise<readonly Page[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const names = entries.map(({ name }) => name).filter((name) => name.endsWith(".md"));
  return await Promise.all(names.map(async (name) => {
    const path = join(folder, name);
    return { path, text: await Deno.readTextFile(path) };
  }));
}

async function pages(): Promise<readonly Page[]> {
  const folders = [ROOT, join(ROOT, "docs"), join(ROOT, "docs", "adr")];
  return (await Promise.all(folders.map(pagesIn))).flat();
}

/** The targets of the links of a page, code left out. */
function linksOf(text: string): readonly string[] {
  const prose = text.replace(/```[^]*?```/g, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? "");
}

/** The anchor that a heading gets on the web. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").trim().replaceAll(" ", "-");
}

ioTest("every link between the pages leads somewhere", async () => {
  const all = await pages();
  const texts = new Map(all.map(({ path, text }) => [path, text]));
  for (const { path, text } of all) {
    for (const target of linksOf(text).filter((target) => !/^[a-z]+:/.test(target))) {
      const [file = "", anchor] = target.split("#");
      const found = file === "" ? path : join(dirname(path), file);
      const where = `${relative(ROOT, path)} -> ${target}`;
      await assert.doesNotReject(Deno.stat(found), where);
      if (anchor === undefined) continue;
      const headings = texts.get(found)?.matchAll(/^#+ (.*)$/gm) ?? [];
      assert.ok([...headings].some(([, heading]) => anchorOf(heading ?? "") === anchor), where);
    }
  }
});

ioTest("docs/testing.md lists every failpoint of the source and no other", async () => {
  const sources = await readSources(ROOT);
  const used = sources.flatMap(({ text }) =>
    [...text.matchAll(/["`]((?:server|file)::[\w:${}]+)["`]/g)].map(([, name]) =>
      (name ?? "").replace("${name}", "<name>")
    )
  );
  const page = await Deno.readTextFile(join(ROOT, "docs", "testing.md"));
  const listed = [...page.matchAll(/`((?:server|file)::[\w:<>]+)`/g)].map(([, name]) => name);
  assert.ok(used.length > 0);
  assert.deepEqual([...new Set(listed)].sort(), [...new Set(used)].sort());
});

ioTest("every page that a message of the program names exists", async () => {
  for (const { path, text } of await readSources(ROOT)) {
    for (const [, page] of text.matchAll(/\b(docs\/[\w/-]+\.md)\b/g)) {
      await assert.doesNotReject(Deno.stat(join(ROOT, page ?? "")), `${path} names ${page}`);
    }
  }
});
