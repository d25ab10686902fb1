import { DashError } from '../../format/index.ts';
import { eachLimited } from '../store/each-limited.ts';
import { appliesTo, inWords, matureBefore, releaseTimes } from '../verify/age.ts';
import type { Workshop } from '../workshop.ts';
import { pinOf } from './pin-of.ts';
import { type ClaimedLock, lockTampered } from './read-lockfile.ts';

const QUESTIONS = 48;

/**
 * Refuses releases of a lock that are new to this machine and too young: whoever sent the lock may have pinned what nobody
 * has looked at yet, and the date in it is a claim. The registry is asked.
 *
 * @param names roots of the lock
 * @throws {DashError} RELEASE_TOO_YOUNG, LOCK_TAMPERED for a version that its registry does not list, and whatever asking throws
 */
export async function assertOldEnough(names: readonly string[], claimed: ClaimedLock, { resolver, offline }: Workshop): Promise<void> {
  // nothing that is new comes here then
  if (offline) return;
  const { age, firstSeen, packuments, isKnown } = resolver;
  const { lock } = claimed;
  const ids = new Set(names.flatMap((name) => [lock.roots[name]?.id ?? '', ...Object.keys(lock.roots[name]?.graph ?? {}).map(pinOf)]));
  await eachLimited([...ids], QUESTIONS, async (id) => {
    const entry = Object.hasOwn(lock.packages, id) ? lock.packages[id] : undefined;
    if (entry?.source.kind !== 'npm' || !appliesTo(age, entry.name) || (await isKnown(entry.source.integrity))) return;
    const { name, version } = entry;
    let packument = await packuments.get(name);
    const isListed = () => Object.hasOwn(packument.versions, version);
    // an answer that is kept may be older than the lock
    if (!isListed() && (await packuments.forget(name))) packument = await packuments.get(name);
    if (!isListed()) throw lockTampered(claimed, ['packages', id], `\`${claimed.path}\` pins \`${name}@${version}\`, which its registry does not list`);
    const publishedAt = releaseTimes(packument, firstSeen, age.now)[version] ?? '';
    if (Date.parse(publishedAt) <= matureBefore(age).getTime()) return;
    const since = inWords(age.now.getTime() - Date.parse(publishedAt));
    throw new DashError('RELEASE_TOO_YOUNG', `\`${claimed.path}\` pins \`${id}\`, which has been public for ${since}, less than ${inWords(age.minAgeMs)}`, {
      hint: 'wait, or take the risk with `--min-age 0`; `minimumReleaseAgeExclude` in your settings names what need not wait',
      where: claimed.where('packages', id),
    });
  });
}
