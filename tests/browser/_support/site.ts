// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGE = `<!doctype html>
<meta charset="utf-8">
<title>oracle test page</title>
<link rel="icon" href="data:,">
<script type="module" src="/page.js"></script>
`;

/** A web site with one page, on an origin of its own. */
export interface Site extends AsyncDisposable {
  /** Its origin. */
  readonly origin: string;
}

/** The script that a page runs unless it is given another one, from the root of the repository. */
const ORACLE_PAGE = "tests/browser/_support/page.ts";

/** Scripts that were bundled before, by their source. */
const bundles = new Map<string, Promise<string>>();

/** Serves a page that runs a script on a free port. */
export async function startSite(entry: string = ORACLE_PAGE): Promise<Site> {
  const script = await (bundles.get(entry) ?? bundlePage(entry));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/page.js") return answer("text/javascript", script);
    return pathname === "/" ? answer("text/html", PAGE) : new Response(null, { status: 404 });
  });
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function answer(contentType: string, body: string): Response {
  return new Response(body, { headers: { "content-type": `${contentType}; charset=utf-8` } });
}

/** The page's script with everything that it imports, as one file for a browser. */
function bundlePage(entry: string): Promise<string> {
  const bundled = bundle(entry);
  bundles.set(entry, bundled);
  return bundled;
}

async function bundle(entry: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", entry],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
