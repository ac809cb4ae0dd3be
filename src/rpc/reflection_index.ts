// SPDX-License-Identifier: Apache-2.0

import type { DescFile, DescService } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";

type DescType = ReturnType<typeof nestedTypes> extends Iterable<infer T> ? T : never;

/** Finds the files in which services and all that they lean on are declared. */
export class ReflectionIndex {
  /** Full names of the services, in alphabetical order. */
  readonly services: readonly string[];
  readonly #byName = new Map<string, DescFile>();
  readonly #bySymbol = new Map<string, DescFile>();
  /** By the message that is extended, then by the number of the field. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();

  /** Reads the files of the services, and what these import. */
  constructor(services: readonly DescService[]) {
    this.services = services.map(({ typeName }) => typeName).sort();
    for (const { file } of services) this.#add(file);
  }

  /** The file of a name such as `tsoracle/v1/tso.proto`. */
  fileNamed(name: string): DescFile | undefined {
    return this.#byName.get(name);
  }

  /** The file that declares a full name: of a service, a method, a message, a field, an enum or its value. */
  fileDeclaring(symbol: string): DescFile | undefined {
    return this.#bySymbol.get(symbol);
  }

  /** The file that declares an extension of a message. */
  fileExtending(typeName: string, number: number): DescFile | undefined {
    return this.#extensions.get(typeName)?.get(number);
  }

  /** The numbers of all extensions of a message; nothing if there is no such message. */
  extensionsOf(typeName: string): readonly number[] | undefined {
    const known = this.#extensions.get(typeName);
    return known === undefined ? undefined : [...known.keys()].sort((a, b) => a - b);
  }

  #add(file: DescFile): void {
    if (this.#byName.has(file.proto.name)) return;
    this.#byName.set(file.proto.name, file);
    for (const imported of file.dependencies) this.#add(imported);
    for (const type of nestedTypes(file)) this.#addType(type, file);
  }

  #addType(type: DescType, file: DescFile): void {
    this.#bySymbol.set(type.typeName, file);
    for (const name of memberNames(type)) this.#bySymbol.set(name, file);
    if (type.kind === "message") this.#extensionsOf(type.typeName);
    if (type.kind === "extension") {
      this.#extensionsOf(type.extendee.typeName).set(type.number, file);
    }
  }

  #extensionsOf(typeName: string): Map<number, DescFile> {
    const known = this.#extensions.get(typeName) ?? new Map<number, DescFile>();
    this.#extensions.set(typeName, known);
    return known;
  }
}

/** The full names of what stands inside. A value of an enum is named like a sibling of its enum. */
function memberNames(type: DescType): readonly string[] {
  const { typeName } = type;
  switch (type.kind) {
    case "service":
      return type.methods.map(({ name }) => `${typeName}.${name}`);
    case "message":
      return [...type.fields, ...type.oneofs].map(({ name }) => `${typeName}.${name}`);
    case "enum": {
      const scope = typeName.slice(0, typeName.lastIndexOf(".") + 1);
      return type.values.map(({ name }) => `${scope}${name}`);
    }
    case "extension":
      return [];
  }
}
