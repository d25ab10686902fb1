import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CapabilityFailure, type CapabilityContext, type Need, type Request } from '../define-capability.ts';
import { checkChanges, describeLeft, journalOf, type LeftBehind, quarantineOf, takeDown, type TreeRules, writeJournal } from '../left-behind/index.ts';
import type { Profile } from '../os-layer/index.ts';

/**
 * Takes down what there is where a program may write. What it gives is to be called when the program has ended, before
 * anybody acts on its result: what runs later, or leads out, and was not there before is put aside and asked for by its
 * name; a yes puts it back. @returns words for whoever reads the program's errors
 */
export async function watchTree(profile: Profile, context: CapabilityContext, request: Request): Promise<() => Promise<string>> {
  const { packageName, places } = context;
  const rules = rulesOf(profile, context);
  const before = await takeDown(rules, () => Promise.resolve([]), request.signal);
  const dashHome = places.dashHome ?? places.data;
  const journal = await writeJournal(journalOf(dashHome), { packageName, workspace: places.workspace, rules, before, known: new Set() });
  return async () => {
    const why = new Map<string, string>();
    const undone = await checkChanges(before, rules, {
      isKnown: () => Promise.resolve(false),
      mayStay: async (left) => {
        const need = await needOf(left);
        return need !== undefined && request.permits(need);
      },
      async allow(left) {
        // A yes would be one to all that the link leads to, and the package chose that.
        if (left.what === LEADS_OUT) return false;
        try {
          const need = await needOf(left);
          if (need !== undefined) await request.decide(need);
          return need !== undefined;
        } catch (error) {
          if (!(error instanceof CapabilityFailure)) throw error;
          why.set(left.path, error.message);
          return false;
        }
      },
      quarantine: quarantineOf(dashHome, packageName),
    });
    await journal.done();
    return undone.map((left) => describe(left, why.get(left.path), context)).join('');
  };
}

/** What was there has a cover, or is granted: a package's programs can only add. */
function rulesOf({ mounts }: Profile, { places }: CapabilityContext): TreeRules {
  // In its own directories a package may give files any name.
  const roots = mounts.flatMap(({ kind, path }) => (kind === 'write' && path !== places.data && path !== places.tmp ? [path] : []));
  return {
    roots,
    places,
    within: [places.workspace, ...roots],
    covered: mounts.map(({ path }) => path),
    watches: false,
    ownGit: undefined,
    gitDirectories: roots.filter((path) => path.endsWith('/.git')),
    named: [],
  };
}

const LEADS_OUT = 'link that leads out of the workspace';

/** What would allow it to stay. Nothing does for a pipe in somebody's way, and for what nobody can look into. */
async function needOf({ path, what, after }: Omit<LeftBehind, 'aside'>): Promise<Need | undefined> {
  if (what === 'socket, pipe or device' || what === 'directory that cannot be looked into') return undefined;
  if (what === 'repository without a working tree') return writing(join(basename(path) === 'HEAD' ? dirname(path) : path, '.git'));
  if (what !== LEADS_OUT) return writing(path);
  // Whoever writes to a link writes to where it leads.
  const named = resolve(dirname(path), (after ?? '').replace(/^-> /, ''));
  const target = await realpath(named).catch(() => named);
  return { effect: { kind: 'fs', access: 'write', path: target }, target: `${path} -> ${target}` };
}

function writing(path: string): Need {
  return { effect: { kind: 'fs', access: 'write', path }, target: path };
}

function describe(left: LeftBehind, reason: string | undefined, { packageName, places }: CapabilityContext): string {
  if (reason === undefined) return describeLeft([left], places.workspace, `a program of ${packageName}`);
  const name = relative(places.workspace, left.path);
  return `dash: \`${name.startsWith('../') ? left.path : name}\` ${left.kind === 'new' ? 'was put aside' : 'was put back as it was'}: ${reason}\n`;
}
