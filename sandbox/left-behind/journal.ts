import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { startedAt } from '../os-layer/index.ts';
import type { Before } from './check-changes.ts';
import type { TreeRules } from './scan-tree.ts';

/**
 * What a tree was before a program that may not come to its end: an agent that is killed looks at nothing afterwards. The
 * next one finds this and looks.
 */
export interface Interrupted {
  /** Whose program it was; `undefined` for the host's own commands. */
  readonly packageName: string | undefined;
  readonly workspace: string;
  readonly rules: TreeRules;
  readonly before: Before;
  /** Commits that were the user's. */
  readonly known: ReadonlySet<string>;
}

/** Writes it down. `done` forgets it: when somebody looked, and not before. */
export async function writeJournal(directory: string, interrupted: Interrupted): Promise<{ done(): Promise<void> }> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${process.pid}-${startedAt(process.pid) ?? 0}-${randomUUID()}.json`);
  const { packageName, workspace, rules, before, known } = interrupted;
  const { scan, contents, gitNames, todos } = before;
  const record: (typeof Journal)['static'] = {
    ...(packageName !== undefined && { packageName }),
    workspace,
    rules: {
      ...rules,
      places: placesOf(rules),
      roots: [...rules.roots],
      within: [...rules.within],
      covered: [...rules.covered],
      gitDirectories: [...rules.gitDirectories],
      named: [...rules.named],
      ownGit: rules.ownGit ?? '',
    },
    known: [...known],
    guarded: [...scan.guarded],
    leaving: [...scan.leaving],
    special: [...scan.special],
    contents: [...contents].map(([path, content]) => [path, content.kind === 'file' ? { kind: 'file', base64: content.bytes.toString('base64') } : content]),
    gitNames: [...gitNames],
    todos: [...todos],
  };
  await writeFile(file, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
  const alive = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), SIGN_OF_LIFE_MS).unref();
  return {
    done: () => {
      clearInterval(alive);
      return rm(file, { force: true });
    },
  };
}

function placesOf({ places: { linked, ...places } }: TreeRules): (typeof Rules)['static']['places'] {
  return { ...places, ...(linked !== undefined && { linked: [...linked] }) };
}

/** How often an agent says in its journal that it lives, and its program may. */
const SIGN_OF_LIFE_MS = 2_000;

/** What an agent left that died. */
export interface LeftJournal extends Interrupted {
  /** When it lived for the last time, to about {@link SIGN_OF_LIFE_MS}. */
  readonly lastSeenMs: number;
  /** Forgets it. */
  done(): Promise<void>;
}

/** What agents that have died since left of one workspace, the oldest first. A torn file says nothing and is removed. */
export async function readJournals(directory: string, workspace: string): Promise<readonly LeftJournal[]> {
  const found: LeftJournal[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    const [, pid, started] = /^(\d+)-(\d+)-.*\.json$/.exec(name) ?? [];
    if (pid === undefined || startedAt(Number(pid)) === Number(started)) continue;
    const file = join(directory, name);
    const record = await readFile(file, 'utf8').then(parse, () => undefined);
    if (record === undefined) await rm(file, { force: true });
    else if (record.workspace === workspace)
      found.push({ ...interruptedOf(record), lastSeenMs: (await stat(file)).mtimeMs, done: () => rm(file, { force: true }) });
  }
  return found.toSorted((a, b) => a.lastSeenMs - b.lastSeenMs);
}

const Guarded = Type.Object({
  guard: Type.Union([Type.Literal('hidden'), Type.Literal('sealed'), Type.Literal('watched'), Type.Literal('open')]),
  kind: Type.Union([Type.Literal('file'), Type.Literal('directory'), Type.Literal('link'), Type.Literal('other')]),
});
const Content = Type.Union([
  Type.Object({ kind: Type.Literal('file'), base64: Type.String() }),
  Type.Object({ kind: Type.Literal('link'), target: Type.String() }),
  Type.Object({ kind: Type.Literal('other') }),
]);
const Texts = Type.Array(Type.String());
const Pairs = Type.Array(Type.Tuple([Type.String(), Type.String()]));
const Rules = Type.Object({
  roots: Texts,
  places: Type.Object({
    workspace: Type.String(),
    home: Type.String(),
    data: Type.String(),
    tmp: Type.String(),
    dashHome: Type.Optional(Type.String()),
    linked: Type.Optional(Texts),
  }),
  within: Texts,
  covered: Texts,
  watches: Type.Boolean(),
  ownGit: Type.String(),
  gitDirectories: Texts,
  named: Texts,
});
const Journal = Type.Object({
  packageName: Type.Optional(Type.String()),
  workspace: Type.String(),
  rules: Rules,
  known: Texts,
  guarded: Type.Array(Type.Tuple([Type.String(), Guarded])),
  leaving: Pairs,
  special: Texts,
  contents: Type.Array(Type.Tuple([Type.String(), Content])),
  gitNames: Texts,
  todos: Pairs,
});

function parse(text: string): (typeof Journal)['static'] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(Journal, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function interruptedOf({
  packageName,
  workspace,
  rules: { ownGit, places, ...rules },
  known,
  guarded,
  leaving,
  special,
  contents,
  gitNames,
  todos,
}: (typeof Journal)['static']): Interrupted {
  const { dashHome, linked, ...others } = places;
  return {
    packageName,
    workspace,
    rules: {
      ...rules,
      places: { ...others, ...(dashHome !== undefined && { dashHome }), ...(linked !== undefined && { linked }) },
      ownGit: ownGit === '' ? undefined : ownGit,
    },
    known: new Set(known),
    before: {
      scan: {
        guarded: new Map(guarded),
        leaving: new Map(leaving),
        special: new Set(special),
        closed: new Set(),
        bare: new Set(),
        secretTargets: new Set(),
        unnamed: new Map(),
      },
      contents: new Map(
        contents.map(([path, content]) => [path, content.kind === 'file' ? { kind: 'file', bytes: Buffer.from(content.base64, 'base64') } : content]),
      ),
      gitNames: new Set(gitNames),
      todos: new Map(todos),
    },
  };
}
