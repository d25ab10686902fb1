import { expect, test } from 'vitest';
import { authorSyntax } from '../../../sandbox/compile/author-syntax.ts';

const nothing = { jsx: 'automatic', tsconfigRaw: { compilerOptions: {} } };

test.each([
  ['no file', undefined],
  ['an empty file', ''],
  ['no object', '[1]'],
  ['options that are none', '{"compilerOptions":null}'],
  ['what leads to other files', '{"extends":"/etc/x","compilerOptions":{"paths":{"*":["/*"]},"baseUrl":"/","rootDir":"/","plugins":[{"name":"x"}]}}'],
  [
    'names that are no names',
    '{"compilerOptions":{"jsxFactory":"f(1)","jsxFragmentFactory":"a b","jsxImportSource":"../../etc","target":"es3;x","experimentalDecorators":1}}',
  ],
])('%s says nothing', (_name, text) => {
  expect(authorSyntax(text)).toEqual(nothing);
});

test('comments and trailing commas are as in the compiler, also beside and inside of text', () => {
  const text = `// first\n{ "compilerOptions": { /* , } */ "jsx": "react", "jsxFactory": "React.createElement", // "}"\n "jsxImportSource": "a//b", "target": "ES2020", "useDefineForClassFields": false, /* last */ }, }`;
  expect(authorSyntax(text)).toEqual({
    jsx: 'transform',
    jsxFactory: 'React.createElement',
    tsconfigRaw: { compilerOptions: { target: 'ES2020', useDefineForClassFields: false } },
  });
});
