// SPDX-License-Identifier: Apache-2.0

import type { DescFile, DescService } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { abortable } from "../core/abortable.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import type { ServerReflectionRequest } from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as AlphaReflection } from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { TsoService } from "../gen/tsoracle/v1/tso_pb.ts";
import type { CallLimits } from "./connect_options.ts";
import { serviceOptions } from "./connect_options.ts";
import { ReflectionIndex } from "./reflection_index.ts";
import { replyTo } from "./reflection_reply.ts";
import type { ReflectionReply } from "./reflection_reply.ts";
import type { Routes } from "./service.ts";
import { shuttingDown } from "./status.ts";

/** Options of {@linkcode reflectionRoutes}. */
export interface ReflectionOptions extends CallLimits {
  /**
   * What to describe besides the oracle, health and reflection: descriptors of services, as protobuf-es
   * generates them.
   *
   * @default {[]}
   */
  readonly services?: readonly object[];
  /** Fires when streams must end that have no end of their own. */
  readonly drainSignal?: AbortSignal | undefined;
}

const OWN_SERVICES = [TsoService, Health, ServerReflection, AlphaReflection];

type Questions = AsyncIterable<ServerReflectionRequest>;

/**
 * Mounts server reflection, `grpc.reflection.v1` and `v1alpha`, in a Connect server of your own, so that
 * tools such as grpcurl need no schema. It is a stream in both directions, which HTTP/1.1 cannot carry.
 *
 * @example
 * ```ts
 * import { connectNodeAdapter } from "@connectrpc/connect-node";
 * import { MemoryDriver, Oracle, reflectionRoutes, routes } from "@tsoracle/tsoracle";
 *
 * await using oracle = new Oracle({ driver: new MemoryDriver() });
 * const mount = [routes(oracle), reflectionRoutes()];
 * const handler = connectNodeAdapter({ routes: (router) => mount.forEach((each) => each(router)) });
 * ```
 *
 * @throws {RangeError} if a limit is out of its range
 */
export function reflectionRoutes(options: ReflectionOptions = {}): Routes {
  const { services = [], drainSignal, ...limits } = options;
  const connectOptions = serviceOptions(limits);
  const index = new ReflectionIndex([...OWN_SERVICES, ...services as readonly DescService[]]);
  const implementation = {
    serverReflectionInfo(questions: Questions, { signal }: HandlerContext) {
      return replies(index, untilAborted(questions, signal, drainSignal));
    },
  };
  return (router) => {
    router.service(ServerReflection, implementation, connectOptions);
    router.service(AlphaReflection, implementation, connectOptions);
  };
}

async function* replies(
  index: ReflectionIndex,
  questions: Questions,
): AsyncGenerator<ReflectionReply, void, undefined> {
  const sent = new Set<DescFile>();
  for await (const question of questions) yield replyTo(question, index, sent);
}

/** A client may keep its side open for as long as it likes, so a wait for it ends by a signal, too. */
async function* untilAborted(
  questions: Questions,
  signal: AbortSignal,
  drainSignal: AbortSignal | undefined,
): AsyncGenerator<ServerReflectionRequest, void, undefined> {
  const iterator = questions[Symbol.asyncIterator]();
  for (;;) {
    const next = abortable(iterator.next(), signal);
    const result = await (drainSignal === undefined ? next : abortable(next, drainSignal))
      .catch((error: unknown) => {
        throw drainSignal?.aborted ? shuttingDown() : error;
      });
    if (result.done) return;
    yield result.value;
  }
}
