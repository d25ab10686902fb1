import type { BuildOptions } from 'esbuild';

type Syntax = Pick<BuildOptions, 'jsx' | 'jsxFactory' | 'jsxFragment' | 'jsxImportSource' | 'tsconfigRaw'>;

const NAME = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
const PACKAGE = /^(?:@[a-z\d~-][\w.~-]*\/)?[a-z\d~-][\w.~-]*(?:\/[\w.~-]+)*$/i;
const TARGET = /^es(?:\d{1,4}|next)$/i;

/**
 * Reads from a package's `tsconfig.json` how its author means the syntax: decorators of before the standard, class fields,
 * JSX. Nothing else of it counts, and no file that it names is looked for: paths and `extends` could lead out of
 * the package. What cannot be read says nothing.
 */
export function authorSyntax(tsconfig: string | undefined): Syntax {
  const { experimentalDecorators, useDefineForClassFields, target, jsx, jsxFactory, jsxFragmentFactory, jsxImportSource } = compilerOptions(tsconfig);
  const isText = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && pattern.test(value);
  return {
    // the compiler's own word for calls of a factory is `react`
    jsx: jsx === 'react' ? 'transform' : 'automatic',
    ...(isText(jsxFactory, NAME) && { jsxFactory }),
    ...(isText(jsxFragmentFactory, NAME) && { jsxFragment: jsxFragmentFactory }),
    ...(isText(jsxImportSource, PACKAGE) && { jsxImportSource }),
    tsconfigRaw: {
      compilerOptions: {
        ...(experimentalDecorators === true && { experimentalDecorators }),
        ...(typeof useDefineForClassFields === 'boolean' && { useDefineForClassFields }),
        // before ES2022 a field was an assignment
        ...(isText(target, TARGET) && { target }),
      },
    },
  };
}

function compilerOptions(tsconfig: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const { compilerOptions } = JSON.parse(withoutComments(tsconfig ?? '{}')) as { compilerOptions?: unknown };
    return typeof compilerOptions === 'object' && compilerOptions !== null ? (compilerOptions as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Comments first: one may stand between a trailing comma and the bracket. */
function withoutComments(text: string): string {
  const outsideStrings = (pattern: string, given: string) =>
    given.replaceAll(new RegExp(`("(?:\\\\.|[^"\\\\])*")|${pattern}`, 'g'), (_match, string: string | undefined) => string ?? ' ');
  return outsideStrings(String.raw`,(?=\s*[}\]])`, outsideStrings(String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`, text));
}
