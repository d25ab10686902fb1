import { allows, parsePermissionSet } from '../../format/index.ts';
import { CapabilityFailure, type CapabilityContext, type Need, type Request } from '../define-capability.ts';
import { type Mount, type Profile, refusals } from '../os-layer/index.ts';

/** What was refused to one run of a program: what somebody said yes to now, and words for whoever reads its errors. */
export interface Refused {
  readonly allowed: readonly string[];
  readonly notes: string;
}

/** Denials that one failing program can cause. */
const MAX_DENIALS = 5;

/**
 * What a program that failed says was closed to it becomes one question, and the denials name what would allow the rest.
 * A program names files for many reasons: what lies outside of the workspace is only mentioned where its package asked
 * for it. `once` is what this run had already.
 */
export async function askForRefused(
  output: string,
  { profile, once }: { readonly profile: Profile; readonly once: readonly string[] },
  { places }: CapabilityContext,
  request: Request,
): Promise<Refused> {
  let notes = '';
  const had = parsePermissionSet(once);
  const askable: { readonly need: Need; readonly permission: string }[] = [];
  const denied: Need[] = [];
  for (const { path, kind } of refusals(output, profile.cwd)) {
    const access = kind === 'read-only' ? 'write' : 'read';
    const mount = mountOf(profile, path);
    // What it sees it may read: whatever denied that, it was no cover.
    if (access === 'read' && (mount?.kind === 'read' || mount?.kind === 'write')) continue;
    const need: Need = { effect: { kind: 'fs', access, path }, target: path };
    if (request.permits(need)) continue;
    const permission = request.wouldAsk(need);
    if (allows(had, need.effect, places).allowed) notes += `dash: ${path} is not there, and a program can be given only what is\n`;
    else if (permission !== undefined) askable.push({ need, permission });
    else if (kind !== 'missing' && path.startsWith(`${places.workspace}/`)) denied.push(need);
  }
  const decided = async (need: Need): Promise<boolean> => {
    try {
      await request.decide(need);
      return true;
    } catch (error) {
      if (!(error instanceof CapabilityFailure)) throw error;
      notes += `dash: ${error.message}\n`;
      return false;
    }
  };
  const [first] = askable;
  if (first !== undefined && (await decided(first.need))) return { allowed: [first.permission], notes: '' };
  for (const need of denied.slice(0, MAX_DENIALS)) await decided(need);
  return { allowed: [], notes };
}

/** The mount that a path is seen through. */
function mountOf({ mounts }: Profile, path: string): Mount | undefined {
  const over = mounts.filter((mount) => path === mount.path || path.startsWith(mount.path === '/' ? '/' : `${mount.path}/`));
  return over.reduce<Mount | undefined>((nearest, mount) => (nearest !== undefined && nearest.path.length > mount.path.length ? nearest : mount), undefined);
}
