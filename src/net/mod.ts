// SPDX-License-Identifier: Apache-2.0

/**
 * One port for everything: the oracle over gRPC, gRPC-Web and Connect, on HTTP/1.1 and HTTP/2.
 *
 * @module
 */

export type { TlsOptions } from "./tls.ts";
export { isLoopback } from "./address.ts";
export { DEFAULT_EDGE, EDGE_NAMES } from "./edge.ts";
export type { EdgeName } from "./edge.ts";
export { ServeError } from "./errors.ts";
export type { ServeErrorCode } from "./errors.ts";
export { DEFAULT_LIMITS } from "./limits.ts";
export type { Limits } from "./limits.ts";
export { runtimeAdvice, warnOnBadRuntime } from "./runtime_check.ts";
export type { ServableOracle } from "./servable.ts";
export { DEFAULT_PORT, serve } from "./serve.ts";
export type { ServeOptions } from "./serve.ts";
export type { CloseOptions, OracleServer, ServerEnd } from "./server.ts";
