import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Diagnostic, isDashError } from '../format/index.ts';
import { type InspectedSkill, type InspectPorts, inspectSpec } from '../registry/index.ts';
import type { CheckPorts } from '../registry/publish/index.ts';
import type { BundleStore } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { npmConfigFor } from './npm-config.ts';
import { packageRoot } from './package-root.ts';

/**
 * Hands the implementations of `sandbox/` and `skills-lib/` to those who may not import them. This is
 * the one place where the parts of the program meet. They are loaded when they are called: an install that changes
 * nothing needs none of them.
 */
const sandbox = () => import('../sandbox/index.ts');
const skills = () => import('../skills-lib/index.ts');

/** Where compiled extensions lie. */
export function bundleStore(home: string): BundleStore {
  return { directory: join(home, 'bundles'), packages: join(home, 'store') };
}

let known: Promise<string> | undefined;

/** Does not change while we run, and takes a megabyte of hashing. */
function toolchain(): Promise<string> {
  known ??= Promise.all([readFile(join(packageRoot(), 'package.json'), 'utf8'), sandbox()]).then(
    ([manifest, { toolchainDigest }]) => `${manifest}${toolchainDigest()}`,
  );
  return known;
}

/** What an install asks of its neighbours. */
export function inspectPorts(home: string): InspectPorts {
  const store = bundleStore(home);
  return {
    compile: async (request, signal) => (await sandbox()).compilePackage(request, store, signal),
    toolchain,
    isCompiled: async (compiled) => compiled.entries.length === 0 || (await sandbox()).hasWholeBundles(store, compiled),
    capture: async (request) => (await sandbox()).capturePackage(request, store),
    prepareBuild: (linked) =>
      void sandbox().then(({ prepareCompile, prepareCapture }) => {
        prepareCompile(store, linked);
        // what keeps it from starting is said by the capture
        prepareCapture().catch(() => undefined);
      }),
    readSkills: (dir, paths) => Promise.all(paths.map((path) => inspectSkill(dir, path))),
  };
}

/** What a check before publishing asks of its neighbours. */
export async function checkPorts(invocation: Pick<Invocation, 'home' | 'cwd' | 'env' | 'globals' | 'signal'>): Promise<CheckPorts> {
  const { checkColorNames, checkContrast, checkSkill, parsePrompt, parseTheme } = await skills();
  return {
    async tryExtensions(dir) {
      await using inspection = await inspectSpec(
        { kind: 'directory', path: dir },
        { dashHome: invocation.home, npm: await npmConfigFor(invocation), ports: inspectPorts(invocation.home), signal: invocation.signal },
      );
      const { compiled, captureOutcomes } = inspection.package;
      return { compiled, captured: captureOutcomes };
    },
    checkText: {
      skills: (text, path) => checkSkill(text, path).diagnostics,
      prompts: (text, path) =>
        diagnosticsOf(() => {
          parsePrompt(text, path);
          return [];
        }),
      themes: (text, path) =>
        diagnosticsOf(() => {
          const theme = parseTheme(text, path);
          return [...checkColorNames(theme, path), ...checkContrast(theme, path)];
        }),
    },
  };
}

async function inspectSkill(dir: string, path: string): Promise<InspectedSkill> {
  const failed = (diagnostics: readonly Diagnostic[]): InspectedSkill => ({ path, name: path, description: '', diagnostics });
  const { parseSkill } = await skills();
  try {
    const { skill, diagnostics } = parseSkill(await readFile(join(dir, path), 'utf8'), join(dir, path));
    const inPackage = diagnostics.map((diagnostic) => ({ ...diagnostic, where: { ...diagnostic.where, path } }));
    return skill === undefined ? failed(inPackage) : { path, name: skill.name, description: skill.description, diagnostics: inPackage };
  } catch (error) {
    if (!isDashError(error, 'INVALID_SKILL')) throw error;
    return failed([{ severity: 'error', code: error.code, message: error.message, where: { ...error.where, path } }]);
  }
}

/** What reading says is wrong, or why it cannot be read at all. */
function diagnosticsOf(read: () => readonly Diagnostic[]): readonly Diagnostic[] {
  try {
    return read();
  } catch (error) {
    if (!isDashError(error)) throw error;
    return [{ severity: 'error', code: error.code, message: error.message, where: error.where }];
  }
}
