import { utimes } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { userMessage } from '../../host/loop/transcript.ts';
import { Session } from '../../host/session/session.ts';
import { findSession } from '../../host/session/session-library.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** A session that was written to last at this second. */
async function session(place: { readonly dashHome: string; readonly cwd: string }, second: number, said?: string): Promise<string> {
  using session = Session.create(place.dashHome, place.cwd);
  session.append({ type: 'model_change', provider: 'p', modelId: 'm' });
  if (said !== undefined) session.appendMessage(userMessage(said));
  if (session.file === undefined) throw new Error('it has no file');
  await utimes(session.file, second, second);
  return session.file;
}

it('the newest session is the newest in which something was said, where there is one', async () => {
  const place = { dashHome: await temporaryDirectory(), cwd: await temporaryDirectory() };
  const first = await session(place, 1_000);
  expect(await findSession(undefined, place)).toBe(first);
  const older = await session(place, 2_000, 'hello');
  const newer = await session(place, 3_000, 'hello again');
  await session(place, 4_000);
  expect(await findSession(undefined, place)).toBe(newer);
  await utimes(older, 5_000, 5_000);
  expect(await findSession(undefined, place)).toBe(older);
});
