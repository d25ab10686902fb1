import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { type Diagnostic, isDashError } from '../../format/index.ts';
import { MAX_FILE_BYTES } from '../front-matter.ts';
import { readTextFile } from '../read-text-file.ts';
import { parseSkill, type Skill, type SkillReading } from '../skill.ts';
import { isShown } from '../visible-text.ts';

/** Who brought a skill; the order of sources is the order of precedence. */
export interface SkillSource {
  /** `user`, `project`, or the name of a package. */
  readonly origin: string;
  /** The SKILL.md files. */
  readonly files: readonly string[];
  /** The directory that they must lie in when they are read, whatever links lead to them. */
  readonly confinedTo?: string | undefined;
}

export interface FoundSkill extends Skill {
  readonly origin: string;
}

export interface Discovery {
  readonly skills: readonly FoundSkill[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What the user chose where several have one name: the origin that keeps it. */
export type PreferredOrigins = Readonly<Record<string, string>>;

interface Candidate {
  readonly skill: FoundSkill;
  readonly digest: string;
}

/**
 * Reads the skills of all sources. Where two have one name, the one the user chose keeps it, otherwise the
 * earlier source; a diagnostic says who lost. Copies of one text are one skill.
 */
export async function discoverSkills(sources: readonly SkillSource[], preferred: PreferredOrigins = {}): Promise<Discovery> {
  const readings: { readonly origin: string; readonly reading: DigestedReading }[] = [];
  for (const { origin, files, confinedTo } of sources) {
    let room = MAX_SOURCE_BYTES;
    for (const path of files) {
      const reading = room < 0 ? tooMuch(origin, path) : readSkill(path, confinedTo);
      room -= reading.size;
      readings.push({ origin, reading });
      // one diagnostic for all that are left
      if (reading.code === 'SKILLS_TOO_LARGE') break;
    }
    // thousands of files are read at once each, and others want to go on in between
    await setImmediate();
  }
  const diagnostics: Diagnostic[] = [];
  const byName = new Map<string, Candidate[]>();
  for (const { origin, reading } of readings) {
    diagnostics.push(...reading.diagnostics);
    if (reading.skill === undefined) continue;
    const { skill, digest } = reading;
    // names that differ in their case are one to whoever reads them
    const key = skill.name.toLowerCase();
    const candidate = { skill: { ...skill, origin }, digest };
    const others = byName.get(key);
    if (others === undefined) byName.set(key, [candidate]);
    else others.push(candidate);
  }
  const chosenOrigins = new Map(Object.entries(preferred).map(([name, origin]) => [name.toLowerCase(), origin]));
  const skills: FoundSkill[] = [];
  for (const [name, candidates] of byName) {
    const chosen = chosenOrigins.get(name);
    const winner = candidates.find(({ skill }) => skill.origin === chosen) ?? candidates[0];
    if (winner === undefined) continue;
    skills.push(winner.skill);
    for (const loser of candidates) if (loser !== winner && loser.digest !== winner.digest) diagnostics.push(collision(loser.skill, winner.skill));
  }
  return { skills, diagnostics };
}

function collision({ name, origin, path }: FoundSkill, winner: FoundSkill): Diagnostic {
  const both = origin === winner.origin ? `one at \`${winner.path}\`` : `one of ${winner.origin}`;
  return {
    severity: 'warning',
    code: 'SKILL_COLLISION',
    message: `the skill \`${name}\` of ${origin} is hidden by the ${both}; \`skills.prefer\` in settings.json chooses another origin`,
    where: { path },
  };
}

interface DigestedReading extends SkillReading {
  readonly digest: string;
  /** In characters. */
  readonly size: number;
  /** Why it was not read. */
  readonly code?: string;
}

/** Of one source; nine thousand real skills are a third of it. They stay in memory. */
const MAX_SOURCE_BYTES = 256 * 1024 * 1024;

function tooMuch(origin: string, path: string): DigestedReading {
  return failed(path, 'SKILLS_TOO_LARGE', `the skills of ${origin} are more than ${MAX_SOURCE_BYTES} bytes; those from this one on are not read`);
}

function failed(path: string, code: string, message: string, where: Diagnostic['where'] = { path }): DigestedReading {
  return { skill: undefined, digest: '', size: 0, code, diagnostics: [{ severity: 'error', code, message, where }] };
}

/** Reads one skill from disk. What is wrong with it is in the diagnostics; never throws for what the file is. */
function readSkill(path: string, confinedTo: string | undefined): DigestedReading {
  if (!isShown(path)) return failed(path, 'SKILL_NAME_UNSEEN', 'a file whose name cannot be shown as it is is not read');
  try {
    const text = readTextFile(path, { maxBytes: MAX_FILE_BYTES, confinedTo });
    return { ...parseSkill(text, path), digest: createHash('sha256').update(text).digest('hex'), size: text.length };
  } catch (error) {
    if (isDashError(error, 'INVALID_SKILL')) return failed(path, error.code, error.message, error.where);
    if (error instanceof Error && 'code' in error) return failed(path, 'SKILL_UNREADABLE', error.message);
    throw error;
  }
}
