// SPDX-License-Identifier: Apache-2.0

/**
 * The house rules that `deno lint` does not know. They run wherever `deno lint` runs, the editor included.
 *
 * @module
 */

const MAX_FILE_LINES = 350;
const MAX_FUNCTION_LINES = 70;
const SPDX = "// SPDX-License-Identifier: Apache-2.0";

/** What makes an answer of `core/` depend on more than its arguments. */
const IMPURE = new Set([
  "Date",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "crypto",
  "fetch",
  "console",
  "Deno",
  "process",
  "globalThis",
]);

type Context = Deno.lint.RuleContext;
type FunctionNode =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** A hand-written module of the package, as opposed to its tests, tools and generated code. */
function isSource(context: Context): boolean {
  return /(^|\/)src\//.test(context.filename) && !/\/gen\//.test(context.filename);
}

function isCore(context: Context): boolean {
  return /(^|\/)src\/core\//.test(context.filename);
}

function linesOf(context: Context, range: Deno.lint.Range): number {
  return context.sourceCode.text.slice(range[0], range[1]).trimEnd().split("\n").length;
}

const spdxHeader: Deno.lint.Rule = {
  create(context) {
    if (context.sourceCode.text.startsWith(`${SPDX}\n`)) return {};
    return {
      Program: (node) => context.report({ node, message: `The first line must be: ${SPDX}` }),
    };
  },
};

const fileLength: Deno.lint.Rule = {
  create(context) {
    const { text } = context.sourceCode;
    const lines = linesOf(context, [0, text.length]);
    if (lines <= MAX_FILE_LINES || !isSource(context)) return {};
    const message =
      `The file has ${lines} lines, more than ${MAX_FILE_LINES}: give one idea its own file`;
    return { Program: (node) => context.report({ node, message }) };
  },
};

const functionLength: Deno.lint.Rule = {
  create(context) {
    if (!isSource(context)) return {};
    const check = (node: FunctionNode) => {
      const lines = linesOf(context, node.range);
      if (lines <= MAX_FUNCTION_LINES) return;
      const message = `The function has ${lines} lines, more than ${MAX_FUNCTION_LINES}`;
      context.report({ node, message });
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    };
  },
};

const noDefaultExport: Deno.lint.Rule = {
  create: (context) => ({
    ExportDefaultDeclaration: (node) =>
      context.report({ node, message: "Export by name, so that the name is the same everywhere" }),
  }),
};

const noTopLevelArrow: Deno.lint.Rule = {
  create(context) {
    const report = (node: Deno.lint.ArrowFunctionExpression) =>
      context.report({ node, message: "Write a top-level function as a function declaration" });
    const arrow = "VariableDeclaration > VariableDeclarator > ArrowFunctionExpression";
    return {
      [`Program > ${arrow}`]: report,
      [`Program > ExportNamedDeclaration > ${arrow}`]: report,
    };
  },
};

const noEnum: Deno.lint.Rule = {
  create: (context) => ({
    TSEnumDeclaration: (node) =>
      context.report({ node, message: "Use a union of string literals instead of an enum" }),
  }),
};

const noTypescriptPrivate: Deno.lint.Rule = {
  create(context) {
    const report = ({ range }: { readonly range: Deno.lint.Range }) =>
      context.report({
        range,
        message: "Use #name: TypeScript's modifiers do not hold at run time",
      });
    return {
      PropertyDefinition(node) {
        if (node.accessibility !== undefined) report(node);
      },
      // A constructor cannot be a #name, so its modifier is the only way to say "use the factory".
      MethodDefinition(node) {
        if (node.accessibility !== undefined && node.kind !== "constructor") report(node);
      },
      TSParameterProperty: report,
    };
  },
};

const noConsoleInSource: Deno.lint.Rule = {
  create(context) {
    if (!isSource(context)) return {};
    return {
      "MemberExpression[object.name='console']": (node: Deno.lint.MemberExpression) =>
        context.report({
          node,
          message: "Log through LogTape, or print through the CLI's writers",
        }),
    };
  },
};

const noNonNullInSource: Deno.lint.Rule = {
  create(context) {
    if (!isSource(context)) return {};
    return {
      TSNonNullExpression: (node) =>
        context.report({ node, message: "Prove that it is there: ! does not hold at run time" }),
    };
  },
};

const documentedExports: Deno.lint.Rule = {
  create(context) {
    if (!isSource(context)) return {};
    return {
      ExportNamedDeclaration(node) {
        if (node.declaration === null) return;
        const before = context.sourceCode.text.slice(0, node.range[0]).trimEnd();
        const comment = before.slice(before.lastIndexOf("/*"));
        if (comment.startsWith("/**") && comment.endsWith("*/")) return;
        context.report({ node, message: "Document what is exported: units, ranges, @throws" });
      },
    };
  },
};

const pureCore: Deno.lint.Rule = {
  create(context) {
    if (!isCore(context)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `core/ is pure and synchronous: it may not use ${what}` });
    const asynchronous = (node: FunctionNode) => {
      if (node.async) report(node, "async");
    };
    return {
      FunctionDeclaration: asynchronous,
      FunctionExpression: asynchronous,
      ArrowFunctionExpression: asynchronous,
      AwaitExpression: (node) => report(node, "await"),
      Identifier(node) {
        if (IMPURE.has(node.name)) report(node, node.name);
      },
      "MemberExpression[object.name='Math'][property.name='random']": (
        node: Deno.lint.MemberExpression,
      ) => report(node, "Math.random"),
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "tsoracle",
  rules: {
    "spdx-header": spdxHeader,
    "file-length": fileLength,
    "function-length": functionLength,
    "no-default-export": noDefaultExport,
    "no-top-level-arrow": noTopLevelArrow,
    "no-enum": noEnum,
    "no-typescript-private": noTypescriptPrivate,
    "no-console-in-source": noConsoleInSource,
    "no-non-null-in-source": noNonNullInSource,
    "documented-exports": documentedExports,
    "pure-core": pureCore,
  },
};

// deno-lint-ignore tsoracle/no-default-export -- deno lint takes a plugin as the default export
export default plugin;
