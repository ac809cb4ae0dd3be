// SPDX-License-Identifier: Apache-2.0

import { cors } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { REQUEST_ID_KEY } from "../core/request_id.ts";
import type { Answer } from "../rpc/answer.ts";
import { LEADER_HINT_KEY } from "../rpc/leader_hint.ts";

/** How long a browser may keep the answer to a preflight, in seconds: what Chromium allows at most. */
const MAX_AGE_S = 7_200;

/** Headers that a page may read: Connect's, and the hint as each of the protocols sends it. */
const EXPOSED = [...cors.exposedHeaders, LEADER_HINT_KEY, `Trailer-${LEADER_HINT_KEY}`].join(", ");
/** Headers that a page may send: Connect's, and the mark of a request that must not be repeated. */
const ALLOWED = [...cors.allowedHeaders, REQUEST_ID_KEY].join(", ");
const PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/**
 * Lets pages of named origins call the oracle from a browser. Credentials are never allowed, so that no
 * page can use a cookie or a client certificate of its reader.
 */
export class CorsPolicy {
  readonly #origins: ReadonlySet<string>;

  /**
   * Makes a policy.
   *
   * @param origins origins such as `https://app.example`; `*` allows all; none switches CORS off
   * @throws {RangeError} if an entry is not an origin
   */
  constructor(origins: readonly string[]) {
    for (const origin of origins) checkOrigin(origin);
    this.#origins = new Set(origins);
  }

  /** The answer to a preflight, or `undefined` if the request is none or CORS is off. */
  preflight(request: UniversalServerRequest): UniversalServerResponse | undefined {
    if (this.#origins.size === 0 || request.method !== "OPTIONS") return undefined;
    if (!request.header.has("access-control-request-method")) return undefined;
    const header = new Headers({ vary: PREFLIGHT_VARY });
    const allowed = this.#allowed(request);
    if (allowed !== undefined) {
      header.set("access-control-allow-origin", allowed);
      header.set("access-control-allow-methods", cors.allowedMethods.join(", "));
      header.set("access-control-allow-headers", ALLOWED);
      header.set("access-control-max-age", String(MAX_AGE_S));
    }
    return { status: 204, header };
  }

  /** Adds to an answer what a browser asks for. */
  decorate(request: UniversalServerRequest, answer: Answer): Answer {
    if (this.#origins.size === 0) return answer;
    const header = new Headers(answer.header);
    header.append("vary", "Origin");
    const allowed = this.#allowed(request);
    if (allowed !== undefined) {
      header.set("access-control-allow-origin", allowed);
      header.set("access-control-expose-headers", EXPOSED);
    }
    return { ...answer, header };
  }

  #allowed(request: UniversalServerRequest): string | undefined {
    if (this.#origins.has("*")) return "*";
    const origin = request.header.get("origin");
    return origin !== null && this.#origins.has(origin) ? origin : undefined;
  }
}

function checkOrigin(origin: string): void {
  if (origin === "*") return;
  if (URL.canParse(origin) && new URL(origin).origin === origin) return;
  throw new RangeError(
    `Cannot serve as 'corsOrigins' must hold origins such as https://app.example: current value is ${origin}`,
  );
}
