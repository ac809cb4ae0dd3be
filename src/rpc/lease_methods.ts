// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { epochToHalves } from "../core/epoch.ts";
import {
  AcquireLeaseResponseSchema,
  EpochWireSchema,
  GetSafeFrontierResponseSchema,
  ReleaseLeaseResponseSchema,
  RenewLeaseResponseSchema,
} from "../gen/tsoracle/v1/tso_pb.ts";
import type {
  AcquireLeaseRequest,
  AcquireLeaseResponse,
  GetSafeFrontierRequest,
  GetSafeFrontierResponse,
  ReleaseLeaseRequest,
  ReleaseLeaseResponse,
  RenewLeaseRequest,
  RenewLeaseResponse,
  TsoService,
} from "../gen/tsoracle/v1/tso_pb.ts";
import { OracleError } from "../server/errors.ts";
import type { LeaseGrant } from "../core/lease_table.ts";
import type { Fail } from "./timestamp_methods.ts";
import type { LeaseSource } from "./timestamp_source.ts";

/** The methods about leases. */
export type LeaseMethods = Pick<
  ServiceImpl<typeof TsoService>,
  "acquireLease" | "renewLease" | "releaseLease" | "getSafeFrontier"
>;

/**
 * Answers the methods about leases. An id or a duration beyond 2^53 loses its last digits as a number, which
 * does no harm: both are far out of range, and no lease has such an id. A refusal shows what was sent.
 */
export function leaseMethods(leases: LeaseSource, fail: Fail): LeaseMethods {
  return {
    async acquireLease(
      request: AcquireLeaseRequest,
      context: HandlerContext,
    ): Promise<AcquireLeaseResponse> {
      const { holder, holderEpoch, ttlMs } = request;
      const { signal } = context;
      const claim = { holder, holderEpoch, ttlMs: Number(ttlMs) };
      const grant = await leases.acquire(claim, { signal }).catch(withDigitsOf(ttlMs, fail));
      const leaseId = BigInt(grant.leaseId);
      return create(AcquireLeaseResponseSchema, { leaseId, ...termsOf(grant) });
    },

    async renewLease(
      request: RenewLeaseRequest,
      context: HandlerContext,
    ): Promise<RenewLeaseResponse> {
      const { leaseId } = request;
      const { signal } = context;
      const grant = await leases.renew(Number(leaseId), { signal })
        .catch(withDigitsOf(leaseId, fail));
      return create(RenewLeaseResponseSchema, termsOf(grant));
    },

    async releaseLease(
      request: ReleaseLeaseRequest,
      context: HandlerContext,
    ): Promise<ReleaseLeaseResponse> {
      const { signal } = context;
      await leases.release(Number(request.leaseId), { signal }).catch(fail);
      return create(ReleaseLeaseResponseSchema);
    },

    getSafeFrontier(_request: GetSafeFrontierRequest): GetSafeFrontierResponse {
      try {
        const { physicalMs, epoch } = leases.frontier();
        const { hi, lo } = epochToHalves(epoch);
        return create(GetSafeFrontierResponseSchema, {
          frontierPhysicalMs: BigInt(physicalMs),
          epochHi: hi,
          epochLo: lo,
        });
      } catch (error) {
        return fail(error);
      }
    },
  };
}

/** Fails with the number that was sent in place of the one that it was rounded to. */
function withDigitsOf(sent: bigint, fail: Fail): Fail {
  if (sent <= Number.MAX_SAFE_INTEGER) return fail;
  return (error) => {
    if (!(error instanceof OracleError)) return fail(error);
    const { code, message, hint, cause } = error;
    const asSent = message.replaceAll(String(Number(sent)), String(sent));
    return fail(new OracleError(code, asSent, { hint, cause }));
  };
}

function termsOf(grant: LeaseGrant) {
  return {
    tsUpperBound: BigInt(grant.boundMs),
    expiresAtMs: BigInt(grant.expiresAtMs),
    epoch: create(EpochWireSchema, epochToHalves(grant.epoch)),
  };
}
