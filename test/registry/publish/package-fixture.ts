import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { onTestFinished } from 'vitest';

import { type Diagnostic, isDashError } from '../../../format/index.ts';
import type { CheckPorts } from '../../../registry/publish/index.ts';
import { checkSkill, parsePrompt, parseTheme } from '../../../skills-lib/index.ts';

export type Files = Readonly<Record<string, string | Buffer>>;

/** A package on disk that is gone after the test; `package.json` may be given as an object. */
export async function makePackage(manifest: Readonly<Record<string, unknown>> | undefined, files: Files = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'dash-package-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const all: Files = manifest === undefined ? files : { 'package.json': JSON.stringify(manifest, null, 2), ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

/** A package that no check complains about. */
export const GOOD = {
  name: 'good-prompts',
  version: '1.0.0',
  description: 'two prompts',
  license: 'MIT',
  keywords: ['dash-package'],
  dash: { prompts: ['./prompts'] },
};
export const GOOD_FILES: Files = { 'prompts/review.md': '---\ndescription: reviews\n---\nReview $1.\n', 'README.md': '# good-prompts\n' };

/** The readers of `skills-lib`; packages of these tests have no extensions, those are tested through `dash check`. */
export const TEXT_PORTS: CheckPorts = {
  tryExtensions: () => Promise.reject(new Error('this package has no extensions')),
  checkText: {
    skills: (text, path) => checkSkill(text, path).diagnostics,
    prompts: (text, path) => readable(() => parsePrompt(text, path)),
    themes: (text, path) => readable(() => parseTheme(text, path)),
  },
};

function readable(read: () => unknown): Diagnostic[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!isDashError(error)) throw error;
    return [{ severity: 'error', code: error.code, message: error.message }];
  }
}
