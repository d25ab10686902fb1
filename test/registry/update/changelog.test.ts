import { gt, lte } from 'semver';
import { expect, test } from 'vitest';
import { sectionsSince } from '../../../registry/update/changelog.ts';

const since = (text: string) => sectionsSince(text, (version) => gt(version, '1.0.0') && lte(version, '1.2.0'))?.join('\n');

test.for([
  ['## 1.2.0\na\n## 1.0.0\nb', '## 1.2.0\na'],
  ['# v1.3.0\nz\n# Release v1.2.0 (today)\na\n### Coming from 1.0.0\nb\n# 0.9.0', '# Release v1.2.0 (today)\na\n### Coming from 1.0.0\nb'],
  ['## pkg@1.1.0\na', '## pkg@1.1.0\na'],
  ['## [1.2.0-rc.1](https://x.example)\na', '## [1.2.0-rc.1](https://x.example)\na'],
  ['1.2.0\n=====\na\n1.0.0\n-----\nb', '1.2.0\n=====\na'],
  ['1.1.0 (2026-01-02)\n* a\n\n1.0.0 (2025-01-02)\n* b', '1.1.0 (2026-01-02)\n* a\n'],
  ['## 1.2.0\na\n## Unreleased\nb', '## 1.2.0\na'],
  ['## 0.1.0\na', ''],
  ['words about 1.2.0\n## News\na', undefined],
  [`# ${'1.'.repeat(50_000)}`, undefined],
] as const)('of changelog %$', ([text, expected]) => {
  expect(since(text)).toBe(expected);
});
