import type { Readable, Writable } from 'node:stream';
import type { ModelPort } from '../../model/port.ts';
import type { OpenFiles } from '../../tools/open-files.ts';
import type { SessionChoice } from '../../session/start-session.ts';
import type { OpenedHost } from './acp-session.ts';
import type { OfferedMode } from './approval-modes.ts';

export interface AcpOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly dashHome: string;
  /** Of Dash. */
  readonly version: string;
  /** What the user allows at most, and what sessions begin with. */
  readonly ceiling: OfferedMode;
  /** Whether the client may be asked anything. */
  readonly hasUI: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
  openModels(): Promise<ModelPort>;
  /** Makes the host of one session, which is disposed of with what was opened for it. */
  openHost(request: HostRequest): Promise<OpenedHost>;
}

/** What the host of a session is made of. */
export interface HostRequest {
  readonly cwd: string;
  readonly session: SessionChoice;
  readonly models: ModelPort;
  readonly approval: OfferedMode;
  readonly openFiles: OpenFiles;
}

/** Serves an editor over the Agent Client Protocol until it goes away. The protocol is loaded only here. */
export async function runAcp(options: AcpOptions): Promise<void> {
  const { serveAcp } = await import('./serve-acp.ts');
  await serveAcp(options);
}
