import type { Static, TObject } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { RefusedName, Shell } from '../../sandbox/index.ts';
import type { Access } from '../approval/approval.ts';
import type { JsonObject } from '../model/messages.ts';
import type { OpenFiles } from './open-files.ts';
import type { AgentTool, FileChange, ToolAnswer, ToolRun } from '../loop/tool-call.ts';

/** Where the host's own tools work. */
export interface Workspace {
  readonly cwd: string;
  readonly shell: Shell;
  readonly openFiles: OpenFiles;
  /** How commands run unless they ask for more. */
  readonly confinement: () => Promise<'confined' | 'full access'>;
  /** Asks whether a command that was refused it may have what is covered, and be run again with that. */
  readonly mayUncover: (command: string, names: readonly RefusedName[], signal: AbortSignal) => Promise<boolean>;
  /** For how long the user was asked about commands that ran, all together: a command's own time is what lies around it. */
  readonly askedMs: () => number;
  /** Whether models get images to see, and whether those that are too large are made smaller. */
  readonly images: () => { readonly block: boolean; readonly resize: boolean };
  /** Whether a search may look into a file; those with secrets are passed over. */
  readonly searchable: (path: string) => boolean;
}

/** A tool of the host: what the loop needs, and what it touches, for approval. */
export interface BuiltinTool extends AgentTool {
  accesses(args: JsonObject): readonly Access[] | Promise<readonly Access[]>;
  /** What a call would change, for whoever is asked. */
  preview?(args: JsonObject): Promise<FileChange>;
  /** Whether there is a use for it now; absent, always. */
  isOffered?(): boolean;
}

interface Definition<Parameters extends TObject> {
  readonly name: string;
  readonly description: string;
  readonly parameters: Parameters;
  readonly executionMode?: 'sequential';
  accesses(args: Static<Parameters>): readonly Access[] | Promise<readonly Access[]>;
  preview?(args: Static<Parameters>): Promise<FileChange>;
  run(args: Static<Parameters>, run: ToolRun): Promise<ToolAnswer>;
}

/** Makes a tool whose arguments are checked before anyone sees them. */
export function defineTool<Parameters extends TObject>({
  name,
  description,
  parameters,
  executionMode,
  accesses,
  preview,
  run,
}: Definition<Parameters>): BuiltinTool {
  const parse = (args: JsonObject): Static<Parameters> => {
    if (Value.Check(parameters, args)) return args;
    throw new Error(problem(args) ?? 'invalid arguments');
  };
  const problem = (args: JsonObject): string | undefined => {
    const first = Value.Errors(parameters, args).First();
    return first === undefined ? undefined : `invalid arguments for \`${name}\`: ${first.path === '' ? '' : `\`${first.path.slice(1)}\` `}${first.message}`;
  };
  return {
    name,
    label: name,
    description,
    parameters,
    ...(executionMode === undefined ? {} : { executionMode }),
    validate: problem,
    accesses: (args) => accesses(parse(args)),
    ...(preview === undefined ? {} : { preview: (args: JsonObject) => preview(parse(args)) }),
    execute: (args, toolRun) => run(parse(args), toolRun),
  };
}
