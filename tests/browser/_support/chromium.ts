// SPDX-License-Identifier: Apache-2.0

import { HAS_PERMISSIONS, ioTestNeeding } from "../../_support/levels.ts";
import { networkTurn } from "../../_support/network_stillness.ts";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
] as const;

/** For a browser to start, or to open a page, on a machine that is busy with other tests. */
const LIMIT_MS = 120_000;

/** Nothing in the test needs the network beyond the loopback, and nothing may be left behind. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
] as const;

const INSTALL = "install chromium (apt-get install chromium) or set CHROMIUM_PATH";

/** The Chromium to use: the one that `CHROMIUM_PATH` names, or one in the usual places. */
const PROGRAM: string | undefined = HAS_PERMISSIONS ? findProgram() : undefined;

/** A page of a fresh browser. */
export interface Tab extends AsyncDisposable {
  /** Opens an address. */
  goto(url: string): Promise<void>;
  /** Runs a function in the page. */
  evaluate<A, R>(work: (argument: A) => Promise<R>, argument: A): Promise<R>;
  /** `METHOD path` of each request so far; the method of a preflight is OPTIONS. */
  readonly requests: readonly string[];
}

/** A test that needs Chromium. Without it, it is ignored under a name that tells what to install. */
export function chromiumTest(
  name: string,
  fn: (program: string, t: Deno.TestContext) => Promise<void>,
): void {
  const missing = PROGRAM === undefined ? INSTALL : undefined;
  ioTestNeeding(missing, name, (t) => fn(PROGRAM ?? "", t));
}

/** Starts a browser without a window and with a profile of its own, which goes with it. */
export async function openTab(program: string): Promise<Tab> {
  // The package reads the environment when it is loaded.
  const { chromium } = await import("playwright-core");
  const launch = { executablePath: program, args: [...FLAGS], timeout: LIMIT_MS };
  await using stack = new AsyncDisposableStack();
  stack.use(await networkTurn());
  const browser = await chromium.launch(launch);
  stack.defer(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const session = await page.context().newCDPSession(page);
  const requests: string[] = [];
  session.on("Network.requestWillBeSent", ({ request: { method, url } }) => {
    requests.push(`${method} ${new URL(url).pathname}`);
  });
  await session.send("Network.enable");
  const opened = stack.move();
  return {
    async goto(url) {
      await page.goto(url);
    },
    evaluate: (work, argument) => page.evaluate(work as never, argument) as never,
    requests,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function findProgram(): string | undefined {
  const named = Deno.env.get("CHROMIUM_PATH");
  if (named !== undefined && named !== "") return named;
  return PLACES.find((path) => isFile(path));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
