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

let bundled: Promise<string> | undefined;

/** Serves the page of the tests on a free port. */
export async function startSite(): Promise<Site> {
  const script = await (bundled ??= bundlePage());
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
async function bundlePage(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "tests/browser/_support/page.ts"],
    cwd: ROOT,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
