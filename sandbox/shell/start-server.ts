import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { Writable } from 'node:stream';
import type { Places } from '../../format/index.ts';
import { confine, type Ending, type LiveLayer, type Mount, NOT_A_LOGIN, startProgram, whoRuns } from '../os-layer/index.ts';
import { scanTree } from '../left-behind/index.ts';
import { findRepository } from './repository.ts';
import type { RunGit } from './run-git.ts';
import { shellProfile } from './shell-profile.ts';

/** A program that goes on while commands come and go, and speaks over its pipes. */
export interface ServerProgram {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface ServerStreams {
  /** Ends it with everything it started. */
  readonly signal: AbortSignal;
  readonly onOutput: (stream: 'stdout' | 'stderr', bytes: Buffer) => void;
}

export interface RunningServer {
  readonly stdin: Writable;
  /** Rejects when it could not be started. */
  readonly ended: Promise<Ending>;
}

const MAX_PROCESSES = 256;

/**
 * Starts one confined: it sees the workspace as commands do, without secrets, and writes nothing but a scratch directory of
 * its own. What commands leave behind is compared around each of them, so nothing beside them may write there. No network.
 *
 * @throws {UnguardableTree} when the workspace is too large to be guarded
 */
export async function startConfinedServer(
  { program, args, environment }: ServerProgram,
  { signal, onOutput }: ServerStreams,
  { places, git, layer }: { readonly places: Places; readonly git: RunGit; readonly layer: LiveLayer },
): Promise<RunningServer> {
  const repository = await findRepository(places.workspace, places.home, git);
  const root = repository?.top ?? places.workspace;
  const scan = await scanTree(
    { roots: [root], places, within: [root], covered: [], watches: false, ownGit: repository?.entry, gitDirectories: [], named: repository?.named ?? [] },
    signal,
  );
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'dash-server-')));
  // what lies beside a program belongs to it
  const PATH = [...(isAbsolute(program) ? [dirname(program)] : []), environment['PATH'] ?? ''].join(':');
  const general = await shellProfile({
    places,
    scan,
    repository,
    root,
    environment: { ...environment, ...NOT_A_LOGIN, PATH, TMPDIR: '/tmp' },
    scratch,
    runAs: await whoRuns(places.workspace),
    signal,
  });
  const profile = { ...general, mounts: general.mounts.map((mount) => (isOwn(mount, scratch) ? mount : readOnly(mount))) };
  const running = startProgram({ kind: 'confined', confinement: confine({ program, args }, profile, layer) }, streams(signal, onOutput));
  return { stdin: running.stdin, ended: removedAfter(running.ended, scratch) };
}

async function removedAfter(ended: Promise<Ending>, scratch: string): Promise<Ending> {
  try {
    return await ended;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Starts one with all rights of the user's. */
export function startServer({ program, args, environment }: ServerProgram, { signal, onOutput }: ServerStreams, cwd: string): RunningServer {
  return startProgram({ kind: 'plain', program, args, cwd, environment }, streams(signal, onOutput));
}

/** It may say as much as it likes: who listens takes it message by message. */
function streams(signal: AbortSignal, onOutput: ServerStreams['onOutput']): Parameters<typeof startProgram>[1] {
  return { signal, onOutput, maxOutputBytes: Number.POSITIVE_INFINITY, maxProcesses: MAX_PROCESSES };
}

function isOwn(mount: Mount, scratch: string): boolean {
  return mount.kind === 'write' && (mount.path === scratch || mount.from === scratch);
}

function readOnly(mount: Mount): Mount {
  return mount.kind === 'write' ? { ...mount, kind: 'read' } : mount;
}
