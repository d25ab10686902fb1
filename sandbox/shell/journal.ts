import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Before } from './check-changes.ts';

/**
 * What a tree was before a command that may not come to its end: an agent that is killed looks at nothing afterwards. The
 * next one finds this and looks.
 */
export interface Interrupted {
  readonly before: Before;
  /** Commits that were the user's. */
  readonly known: ReadonlySet<string>;
  /** Forgets it. */
  done(): Promise<void>;
}

/** Writes it down; the file goes away with `done`. */
export async function writeJournal(directory: string, workspace: string, before: Before, known: ReadonlySet<string>): Promise<Interrupted> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, `${process.pid}-${randomUUID()}.json`);
  const { scan, contents, gitNames, todos } = before;
  const record = {
    workspace,
    known: [...known],
    guarded: [...scan.guarded],
    leaving: [...scan.leaving],
    special: [...scan.special],
    bare: [...scan.bare],
    contents: [...contents].map(([path, content]) => [path, content.kind === 'file' ? { kind: 'file', base64: content.bytes.toString('base64') } : content]),
    gitNames: [...gitNames],
    todos: [...todos],
  };
  await writeFile(file, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
  return { before, known, done: () => rm(file, { force: true }) };
}

/** What agents that have died since left of one workspace, the oldest first. A torn file says nothing and is removed. */
export async function readJournals(directory: string, workspace: string): Promise<readonly Interrupted[]> {
  const found: { readonly at: number; readonly interrupted: Interrupted }[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    const pid = Number(/^(\d+)-.*\.json$/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || pid === process.pid || lives(pid)) continue;
    const file = join(directory, name);
    const record = await readFile(file, 'utf8').then(parse, () => undefined);
    if (record === undefined) await rm(file, { force: true });
    else if (record.workspace === workspace)
      found.push({ at: found.length, interrupted: { before: beforeOf(record), known: new Set(record.known), done: () => rm(file, { force: true }) } });
  }
  return found.map(({ interrupted }) => interrupted);
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
const Journal = Type.Object({
  workspace: Type.String(),
  known: Texts,
  guarded: Type.Array(Type.Tuple([Type.String(), Guarded])),
  leaving: Pairs,
  special: Texts,
  bare: Texts,
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

function beforeOf({ guarded, leaving, special, bare, contents, gitNames, todos }: (typeof Journal)['static']): Before {
  return {
    scan: { guarded: new Map(guarded), leaving: new Map(leaving), special: new Set(special), bare: new Set(bare) },
    contents: new Map(
      contents.map(([path, content]) => [path, content.kind === 'file' ? { kind: 'file', bytes: Buffer.from(content.base64, 'base64') } : content]),
    ),
    gitNames: new Set(gitNames),
    todos: new Map(todos),
  };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
