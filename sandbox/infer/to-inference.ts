import {
  type ComputedSubject,
  type Evidence,
  formatPermission,
  type Inference,
  type InferredPermission,
  isDashError,
  mergeInferences,
  parsePermission,
} from '../../format/index.ts';
import type { FoundUse, ReadUses } from './read-uses.ts';

/** Makes permissions of what was read in the code of one entry point. */
export function toInference({ uses, incomplete }: ReadUses): Inference {
  const found = mergeInferences(uses.map(ofUse));
  return { ...mergeInferences([withWholePrograms(found)]), ...(incomplete !== undefined && { incomplete }) };
}

/** What a tool is given by the model lies in the workspace, where nothing else is said. */
const WORKSPACE: Partial<Readonly<Record<ComputedSubject, string>>> = { 'path to read': 'fs:read', 'path to write': 'fs:write' };
const SUBJECTS: Readonly<Record<string, ComputedSubject>> = { net: 'host', exec: 'command', env: 'variable', secret: 'variable', provider: 'host' };

function ofUse({ need, ...evidence }: FoundUse): Inference {
  if (need.kind === 'permission') {
    const permission = canonical(need.permission);
    if (permission !== undefined) return needing(permission, evidence, need.atMost === true);
    // a name that cannot be granted: `https://api.exa_mple/`, a public suffix
    const subject = SUBJECTS[need.permission.split(':')[0] ?? ''];
    const known = need.permission.slice(need.permission.indexOf(':') + 1);
    return { permissions: [], computed: subject === undefined ? [] : [{ ...evidence, subject, known }] };
  }
  const computed = [{ ...evidence, subject: need.subject, known: need.known }];
  // a dependency computes for many ends; what it does of them is asked when it does it
  const area = evidence.dependency === undefined ? WORKSPACE[need.subject] : undefined;
  return { ...(area === undefined ? NOTHING : needing(area, evidence, true)), computed };
}

const NOTHING: Inference = { permissions: [], computed: [] };

function needing(permission: string, evidence: Evidence, atMost: boolean): Inference {
  return { permissions: [{ permission, evidence: [evidence], places: 1, ...(atMost && { atMost: true as const }) }], computed: [] };
}

function canonical(text: string): string | undefined {
  try {
    return formatPermission(parsePermission(text));
  } catch (error) {
    if (!isDashError(error, 'INVALID_PERMISSION')) throw error;
    return undefined;
  }
}

/** More commands of one program than this are the program: nobody reads a list of them. */
const MAX_COMMANDS = 3;

function withWholePrograms(inference: Inference): Inference {
  const counts = Map.groupBy(inference.permissions, programOf);
  return {
    ...inference,
    permissions: inference.permissions.map((one) => {
      const program = programOf(one);
      return program !== undefined && (counts.get(program)?.length ?? 0) > MAX_COMMANDS ? { ...one, permission: `exec:${program}` } : one;
    }),
  };
}

/** The program of a command with a subcommand. */
function programOf({ permission }: InferredPermission): string | undefined {
  return /^exec:(\S+) /.exec(permission)?.[1];
}
