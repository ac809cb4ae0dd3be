// SPDX-License-Identifier: Apache-2.0

import type { ConnectRouterOptions } from "@connectrpc/connect";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { TsoService } from "../gen/tsoracle/v1/tso_pb.ts";
import type { Answer, Dispatcher } from "./answer.ts";
import type { CallLimits } from "./connect_options.ts";
import { healthRoutes } from "./health.ts";
import { completeGetUrl, objectToQuery } from "./plain_get.ts";
import { LateChecks } from "./late_check.ts";
import { withTimerDeadline } from "./long_deadline.ts";
import type { ReadinessSource } from "./readiness.ts";
import type { LifecycleSignals } from "./readiness_feed.ts";
import { reflectionRoutes } from "./reflection.ts";
import type { Refusal } from "./refusal.ts";
import { isGrpc, refuse } from "./refusal.ts";
import { routes } from "./service.ts";
import type { TimestampSource } from "./timestamp_source.ts";

const NO_GRPC =
  "Cannot speak gRPC here, as this server cannot send trailers: use gRPC-Web or Connect";
const CONTENT_TYPES =
  "application/json, application/proto, application/grpc-web+proto or, over HTTP/2, application/grpc";
const STREAM_CONTENT_TYPES =
  "application/connect+json, application/connect+proto, application/grpc-web+proto or, over HTTP/2, application/grpc";
const GET_TS = TsoService.method.getTs;
const GRPC_WEB_TEXT = /^application\/grpc-web-text/i;

/** Options of {@linkcode createDispatcher}. */
export interface DispatcherOptions extends CallLimits, LifecycleSignals {
  /** How many may watch the health at a time; 250 by default. */
  readonly maxWatches?: number;
  /** Whether answers can have trailers. Without them there is no gRPC. */
  readonly grpc: boolean;
  /** Fires when calls under way must end now; its reason is their status. */
  readonly shutdownSignal?: AbortSignal;
  /** Compressions to accept and to use; none by default. */
  readonly acceptCompression?: ConnectRouterOptions["acceptCompression"];
}

/**
 * Joins the methods of the services (the oracle, health, reflection) to one function from request to answer.
 * What Connect would refuse with a bare status gets a sentence that says what to do.
 *
 * @throws {RangeError} if a limit is out of its range
 */
export function createDispatcher(
  oracle: TimestampSource & ReadinessSource,
  options: DispatcherOptions,
): Dispatcher {
  const { grpc, shutdownSignal, acceptCompression = [], ...rest } = options;
  const router = createConnectRouter({
    acceptCompression,
    ...(shutdownSignal === undefined ? {} : { shutdownSignal }),
  });
  routes(oracle, rest)(router);
  healthRoutes(oracle, rest)(router);
  reflectionRoutes(rest)(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const late = new LateChecks(oracle);
  const answer: Dispatcher = async (request) => {
    const handler = handlers.get(pathOf(request.url));
    const contentType = request.header.get("content-type");
    if (handler === undefined) return refuse(unknownPath(request.url, handlers), contentType);
    const refusal = objection(handler, request, grpc);
    if (refusal !== undefined) return refuse(refusal, contentType);
    if (request.method === "GET") {
      return await handler(withTimerDeadline({ ...request, url: completeGetUrl(request.url) }));
    }
    const lateCheck = handler.method === GET_TS ? late.current : undefined;
    const response: Answer = await handler(withTimerDeadline(request));
    if (lateCheck !== undefined) response.lateCheck = lateCheck;
    return sendsStream(handler) ? { ...response, isStream: true } : response;
  };
  return answer;
}

function pathOf(url: string): string {
  return new URL(url).pathname;
}

function sendsStream({ method: { methodKind } }: UniversalHandler): boolean {
  return methodKind === "server_streaming" || methodKind === "bidi_streaming";
}

/** Names the methods of the service that the path names, or else those of the oracle. */
function unknownPath(url: string, handlers: ReadonlyMap<string, UniversalHandler>): Refusal {
  const path = pathOf(url);
  const all = [...handlers.values()];
  const named = all.filter(({ service }) => path.startsWith(`/${service.typeName}/`));
  const meant = named.length > 0 ? named : all.filter(({ service }) => service === TsoService);
  const paths = meant.map(({ requestPath }) => requestPath).join(" or ");
  return { status: 404, text: `Cannot find ${path}: call ${paths}` };
}

function objection(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  grpc: boolean,
): Refusal | undefined {
  const { method, header } = request;
  const path = handler.requestPath;
  if (!handler.allowedMethods.includes(method)) {
    const allow = [...new Set(handler.allowedMethods)].join(", ");
    return { status: 405, text: `Cannot ${method} ${path}: use ${allow}`, headers: { allow } };
  }
  if (method === "GET") return objectToQuery(request.url);
  if (handler.method.methodKind === "bidi_streaming" && request.httpVersion.startsWith("1.")) {
    const text =
      `Cannot call ${path} over HTTP/${request.httpVersion}, as both sides send: use HTTP/2`;
    return { status: 505, text };
  }
  const contentType = header.get("content-type") ?? "";
  // Connect's own switch for this does not outlive the options that come with the service.
  if (!grpc && isGrpc(contentType)) return { status: 415, text: NO_GRPC };
  // Connect knows the text form of gRPC-Web only to refuse it without a word.
  const readable = handler.supportedContentType(contentType) && !GRPC_WEB_TEXT.test(contentType);
  if (readable) return undefined;
  const usable = handler.method.methodKind === "unary" ? CONTENT_TYPES : STREAM_CONTENT_TYPES;
  const text = `Cannot read content-type ${JSON.stringify(contentType)}: use ${usable}`;
  return { status: 415, text };
}
