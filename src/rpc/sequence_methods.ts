// SPDX-License-Identifier: Apache-2.0

import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { epochToHalves } from "../core/epoch.ts";
import {
  EpochWireSchema,
  GetSeqBatchResponseSchema,
  GetSeqResponseSchema,
  SeqGrantEntrySchema,
} from "../gen/tsoracle/v1/tso_pb.ts";
import type {
  GetSeqBatchRequest,
  GetSeqBatchResponse,
  GetSeqRequest,
  GetSeqResponse,
  TsoService,
} from "../gen/tsoracle/v1/tso_pb.ts";
import { SeenRequests } from "./seen_requests.ts";
import type { Fail } from "./timestamp_methods.ts";
import type { SequenceSource } from "./timestamp_source.ts";

/** The methods about sequences. */
export type SequenceMethods = Pick<ServiceImpl<typeof TsoService>, "getSeq" | "getSeqBatch">;

/** Answers the methods about sequences. */
export function sequenceMethods(sequences: SequenceSource, fail: Fail): SequenceMethods {
  const seen = new SeenRequests();
  const admit = ({ requestHeader }: HandlerContext) => {
    try {
      seen.admit(requestHeader);
    } catch (error) {
      fail(error);
    }
  };
  return {
    async getSeq(request: GetSeqRequest, context: HandlerContext): Promise<GetSeqResponse> {
      admit(context);
      const { key, count } = request;
      const { signal } = context;
      const { epoch, ...block } = await sequences.take({ key, count }, { signal }).catch(fail);
      return create(GetSeqResponseSchema, {
        ...block,
        epoch: create(EpochWireSchema, epochToHalves(epoch)),
      });
    },

    async getSeqBatch(
      request: GetSeqBatchRequest,
      context: HandlerContext,
    ): Promise<GetSeqBatchResponse> {
      admit(context);
      const requests = request.entries.map(({ key, count }) => ({ key, count }));
      const { signal } = context;
      const { blocks, epoch } = await sequences.takeBatch(requests, { signal }).catch(fail);
      return create(GetSeqBatchResponseSchema, {
        grants: blocks.map((block) => create(SeqGrantEntrySchema, { ...block })),
        epoch: create(EpochWireSchema, epochToHalves(epoch)),
      });
    },
  };
}
