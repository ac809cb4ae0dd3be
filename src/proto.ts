// SPDX-License-Identifier: Apache-2.0

/**
 * The wire types of `tsoracle.v1`, generated from `proto/tsoracle/v1/tso.proto`.
 *
 * ```ts
 * import { create, toBinary } from "@bufbuild/protobuf";
 * import { GetTsRequestSchema } from "@tsoracle/tsoracle/proto";
 *
 * const bytes = toBinary(GetTsRequestSchema, create(GetTsRequestSchema, { count: 2 }));
 * ```
 *
 * @module
 */

export * from "./gen/tsoracle/v1/tso_pb.ts";
