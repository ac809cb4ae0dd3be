// SPDX-License-Identifier: Apache-2.0

/**
 * The oracle as a Connect service, for a server of your own.
 *
 * @module
 */

export { DEFAULT_MAX_MESSAGE_BYTES } from "./connect_options.ts";
export type { CallLimits } from "./connect_options.ts";
export { createFetchHandler } from "./fetch_handler.ts";
export type { FetchHandlerOptions } from "./fetch_handler.ts";
export { encodeLeaderHint, LEADER_HINT_KEY } from "./leader_hint.ts";
export { routes } from "./service.ts";
export type { Routes, ServiceRegistry } from "./service.ts";
export type { TimestampSource } from "./timestamp_source.ts";
