import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError, type Diagnostic, isDashError } from '../format/index.ts';
import type { ProjectFiles } from './project-files.ts';

const QueueMode = Type.Union([Type.Literal('one-at-a-time'), Type.Literal('all')]);

/** What the user can set in `settings.json`; of a project's, {@link PROJECT_KEYS} count. */
export const Settings = Type.Object({
  /** Default model, `provider/id`. */
  model: Type.Optional(Type.String({ minLength: 1 })),
  /** Patterns of the models that are cycled through, as `--models` takes them. */
  enabledModels: Type.Optional(Type.Array(Type.String())),
  thinking: Type.Optional(Type.Union([Type.Literal('minimal'), Type.Literal('low'), Type.Literal('medium'), Type.Literal('high'), Type.Literal('xhigh')])),
  /** Name of the theme; without it the terminal's background decides between `dark` and `light`. */
  theme: Type.Optional(Type.String({ minLength: 1 })),
  /** Dollars that a session may cost; no request begins once it has. */
  maxCost: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  /** Names of tools that are on. */
  tools: Type.Optional(Type.Array(Type.String())),
  images: Type.Optional(Type.Object({ /** Keeps images from models. */ block: Type.Optional(Type.Boolean()) }, { additionalProperties: false })),
  /** Rules for the host's own tools, in the grammar of permissions, e.g. `exec:git push` or `fs:write:docs/**`. */
  permissions: Type.Optional(
    Type.Object(
      { allow: Type.Optional(Type.Array(Type.String())), ask: Type.Optional(Type.Array(Type.String())), deny: Type.Optional(Type.Array(Type.String())) },
      { additionalProperties: false },
    ),
  ),
  /** Approval on a terminal; `--approve` goes before it. */
  approve: Type.Optional(Type.Union([Type.Literal('ask'), Type.Literal('edits')])),
  retry: Type.Optional(
    Type.Object(
      { attempts: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })), baseDelayMs: Type.Optional(Type.Integer({ minimum: 0 })) },
      { additionalProperties: false },
    ),
  ),
  compaction: Type.Optional(
    Type.Object(
      {
        /** Whether a context that becomes too long is summed up by itself. */
        enabled: Type.Optional(Type.Boolean()),
        /** Tokens of the window that are kept free. */
        reserveTokens: Type.Optional(Type.Integer({ minimum: 1 })),
        /** Tokens of the newest messages that stay as they are. */
        keepRecentTokens: Type.Optional(Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false },
    ),
  ),
  /** Whether prompt caches are kept from being forgotten, where that saves money: while a run goes on (the default), or between runs too. */
  cacheWarming: Type.Optional(Type.Union([Type.Literal('off'), Type.Literal('streaming'), Type.Literal('idle')])),
  skills: Type.Optional(
    Type.Object(
      {
        /** Most tokens that the list of skills takes of the system prompt; above it the fitting ones are listed. */
        budget: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
        /** Names of skills that are listed whatever the budget is. */
        pinned: Type.Optional(Type.Array(Type.String())),
        /** The origin that keeps a name several have: `user`, `project`, or the name of a package. */
        prefer: Type.Optional(Type.Record(Type.String(), Type.String())),
      },
      { additionalProperties: false },
    ),
  ),
  steeringMode: Type.Optional(QueueMode),
  followUpMode: Type.Optional(QueueMode),
  /** How much is asked; `registry/` reads it. */
  profile: Type.Optional(Type.Unknown()),
  /** How long releases must have been public, and which need not; `registry/` reads it. */
  minimumReleaseAge: Type.Optional(Type.Unknown()),
  minimumReleaseAgeExclude: Type.Optional(Type.Unknown()),
  /** What is left of packages; `registry/` reads it. */
  packages: Type.Optional(Type.Array(Type.Unknown())),
});
export type Settings = Static<typeof Settings>;

export interface SettingsReading {
  readonly settings: Settings;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the user's settings; without a file everything has its default. @throws {DashError} SETTINGS_INVALID */
export async function readSettings(dashHome: string): Promise<SettingsReading> {
  const path = join(dashHome, 'settings.json');
  const value = await readSettingsObject(path);
  const settings = checked(value, path);
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(Settings.properties, key));
  return { settings, diagnostics: unknown.map((key) => warning('UNKNOWN_SETTING', `\`${key}\` is not a setting of ours`, path)) };
}

/**
 * What a trusted project may set: how the agent works there, and nothing about who is asked, who answers, where anything
 * goes or what may run. Every other key is left out, and named.
 */
const PROJECT_KEYS: readonly (keyof Settings)[] = ['thinking', 'compaction', 'skills', 'images', 'steeringMode', 'followUpMode'];
/** `registry/` reads it, with rules of its own. */
const ELSEWHERE = ['packages'];

/** The user's settings, with those of a trusted project over them. What is wrong in the project's file costs that file. */
export async function readAllSettings(dashHome: string, project: Pick<ProjectFiles, 'configured'> | undefined): Promise<SettingsReading> {
  const user = await readSettings(dashHome);
  const diagnostics = [...user.diagnostics];
  let { settings } = user;
  for (const directory of project?.configured ?? []) {
    const path = join(directory, '.dash', 'settings.json');
    try {
      const value = await readSettingsObject(path);
      const ignored = Object.keys(value).filter((key) => !PROJECT_KEYS.some((allowed) => allowed === key) && !ELSEWHERE.includes(key));
      diagnostics.push(...ignored.map((key) => warning('PROJECT_SETTING_IGNORED', `a project has no say in \`${key}\``, path)));
      settings = {
        ...settings,
        ...checked(Object.fromEntries(Object.entries(value).filter(([key]) => PROJECT_KEYS.some((allowed) => allowed === key))), path),
      };
    } catch (error) {
      if (!isDashError(error)) throw error;
      diagnostics.push(warning(error.code, error.message, path));
    }
  }
  return { settings, diagnostics };
}

/** Reads a file of settings, or of anything else that is one object; an absent one is empty. @throws {DashError} SETTINGS_INVALID */
export async function readSettingsObject(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DashError('SETTINGS_INVALID', `\`${path}\` is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, where: { path } });
  }
  if (Value.Check(Type.Record(Type.String(), Type.Unknown()), value)) return value;
  throw new DashError('SETTINGS_INVALID', `\`${path}\` is not an object`, { where: { path } });
}

function checked(value: Record<string, unknown>, path: string): Settings {
  if (Value.Check(Settings, value)) return value;
  const first = Value.Errors(Settings, value).First();
  throw new DashError('SETTINGS_INVALID', `\`${path}\`: \`${first?.path.slice(1).replaceAll('/', '.') ?? ''}\` ${first?.message ?? ''}`, { where: { path } });
}

function warning(code: string, message: string, path: string): Diagnostic {
  return { severity: 'warning', code, message, where: { path } };
}
