// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Grant } from "../core/allocator.ts";
import { epochToHalves } from "../core/epoch.ts";
import { GetCurrentMaxSafeResponseSchema, GetTsResponseSchema } from "../gen/tsoracle/v1/tso_pb.ts";
import type {
  GetCurrentMaxSafeResponse,
  GetTsRequest,
  GetTsResponse,
  TsoService,
} from "../gen/tsoracle/v1/tso_pb.ts";
import type { TimestampSource } from "./timestamp_source.ts";

/** Turns what a call threw into its status, and throws that. */
export type Fail = (error: unknown) => never;

/** The methods about timestamps. */
export type TimestampMethods = Pick<ServiceImpl<typeof TsoService>, "getTs" | "getCurrentMaxSafe">;

/** Answers the methods about timestamps from an oracle. */
export function timestampMethods(oracle: TimestampSource, fail: Fail): TimestampMethods {
  return {
    // Not async: while the window has room, an answer costs no promise of ours.
    getTs(request: GetTsRequest, context: HandlerContext): GetTsResponse | Promise<GetTsResponse> {
      try {
        const grant = oracle.getTs(request.count, { signal: context.signal });
        return grant instanceof Promise
          ? grant.then(grantMessage).catch(fail)
          : grantMessage(grant);
      } catch (error) {
        return fail(error);
      }
    },

    getCurrentMaxSafe(): GetCurrentMaxSafeResponse {
      try {
        return maxSafeMessage(oracle);
      } catch (error) {
        return fail(error);
      }
    },
  };
}

function grantMessage(grant: Grant): GetTsResponse {
  const { hi, lo } = epochToHalves(grant.epoch);
  return create(GetTsResponseSchema, {
    physicalMs: BigInt(grant.physicalMs),
    logicalStart: grant.logicalStart,
    count: grant.count,
    epochHi: hi,
    epochLo: lo,
  });
}

function maxSafeMessage(oracle: TimestampSource): GetCurrentMaxSafeResponse {
  const { physicalMs, epoch } = oracle.currentMaxSafe();
  const { hi, lo } = epochToHalves(epoch);
  return create(GetCurrentMaxSafeResponseSchema, {
    maxSafePhysicalMs: BigInt(physicalMs),
    epochHi: hi,
    epochLo: lo,
  });
}
