import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { escapedText, type Registrations, type ToolRegistration } from '../format/index.ts';
import { dataDirectory } from './data-directory.ts';
import { CapabilityFailure } from './define-capability.ts';
import type { GuestFacts } from './extension.ts';
import type { RefusedTool } from './ports.ts';
import { MAX_LATE_TOOL_CHARACTERS, MAX_LATE_TOOLS, MAX_PINNED_TOOLS } from './process/limits.ts';
import { digest, hidePlaces } from './registrations.ts';

export interface LateToolsOptions {
  readonly package: { readonly name: string; readonly source?: string; readonly contentHash: string };
  readonly dashHome: string;
  readonly facts: Pick<GuestFacts, 'agentDir' | 'cwd' | 'home'>;
  /** What it registered while it was loaded: those tools are what they are. */
  readonly loaded: () => Registrations;
  /** What is offered has changed, or something is not taken up. */
  readonly changed: (refused?: RefusedTool) => void;
}

/** Where it is written down what the late tools of a package looked like when they were first seen. */
export function pinDirectory(dashHome: string, ofPackage: { readonly name: string; readonly source?: string }): string {
  return join(dashHome, 'state', 'pinned-tools', basename(dataDirectory(dashHome, ofPackage)));
}

/** Forgets what they looked like: what comes next is seen for the first time. */
export async function forgetPinnedTools(dashHome: string, ofPackage: { readonly name: string; readonly source?: string }): Promise<void> {
  await rm(pinDirectory(dashHome, ofPackage), { recursive: true, force: true });
}

/**
 * The tools that a running package registers after it was loaded. Nobody saw them at install: what one says of itself to
 * the model is kept when it is first seen, for this content of the package, and from then on it says that or is not there.
 */
export class LateTools {
  readonly #options: LateToolsOptions;
  readonly #directory: string;
  readonly #refused = new Set<string>();
  #offered: readonly ToolRegistration[] = [];

  constructor(options: LateToolsOptions) {
    this.#options = options;
    this.#directory = pinDirectory(options.dashHome, options.package);
  }

  get offered(): readonly ToolRegistration[] {
    return this.#offered;
  }

  /** @throws {CapabilityFailure} REGISTRATION_CHANGED when it was seen with another text or schema; EINVAL, SANDBOX_BUDGET */
  async register(tool: ToolRegistration): Promise<void> {
    const { name } = tool;
    const { name: packageName } = this.#options.package;
    if (!NAME.test(name))
      throw failure('EINVAL', `\`${escapedText(name, 100)}\`: the name of a tool that is registered late has 1 to 48 letters, digits, \`_\` or \`-\``);
    if (this.#options.loaded().tools.some((known) => known.name === name))
      throw failure('EINVAL', `\`${name}\` was registered while ${packageName} was loaded`);
    if (JSON.stringify(tool).length > MAX_LATE_TOOL_CHARACTERS)
      throw failure('SANDBOX_BUDGET', `what \`${name}\` says of itself is longer than ${MAX_LATE_TOOL_CHARACTERS} characters`);
    const others = this.#offered.filter((known) => known.name !== name);
    if (others.length >= MAX_LATE_TOOLS)
      throw failure('SANDBOX_BUDGET', `${packageName} has registered ${MAX_LATE_TOOLS} tools since it was loaded, and gets no more`);
    if (!(await this.#isAsFirstSeen(tool))) {
      const message = `the tool \`${name}\` of ${packageName} says something else of itself than when it was first seen; \`dash permissions grant ${packageName} tools:dynamic\` accepts it`;
      this.#refuse({ name, code: 'REGISTRATION_CHANGED', message });
      throw failure('REGISTRATION_CHANGED', message);
    }
    // Read again: others came while it was looked up.
    if (this.#offered.some((known) => known.name === name)) return;
    this.#offered = [...this.#offered, tool];
    this.#options.changed();
  }

  /** Told when the package may not register it, and nobody was there to be asked. */
  denied(name: string): void {
    const { name: packageName } = this.#options.package;
    const message = `${packageName} wants to offer the model the tool \`${escapedText(name, 100)}\`, which was not there at install; \`dash permissions grant ${packageName} tools:dynamic\` allows it`;
    this.#refuse({ name, code: 'PERMISSION_DENIED', message });
  }

  /** Once for each name: a package may try as often as it likes. */
  #refuse(refused: RefusedTool): void {
    const key = `${refused.code} ${refused.name}`;
    if (this.#refused.has(key) || this.#refused.size >= MAX_LATE_TOOLS) return;
    this.#refused.add(key);
    this.#options.changed(refused);
  }

  /** The process that held their functions is gone. */
  clear(): void {
    if (this.#offered.length === 0) return;
    this.#offered = [];
    this.#options.changed();
  }

  /** Kept without the paths of this project: in the next one it is the same tool. Everything of it that reaches the model counts. */
  async #isAsFirstSeen(tool: ToolRegistration): Promise<boolean> {
    const { facts, package: of } = this.#options;
    const pin = `${of.contentHash} ${digest(hidePlaces({ ...NOTHING, tools: [tool] }, facts))}\n`;
    // Not the name itself: there are file systems to which `Read` and `read` are one.
    const file = join(this.#directory, createHash('sha256').update(tool.name).digest('hex').slice(0, 32));
    const known = await readFile(file, 'utf8').catch(onlyMissing);
    if (known?.startsWith(`${of.contentHash} `) === true) return known === pin;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (known === undefined && (await readdir(this.#directory)).length >= MAX_PINNED_TOOLS)
      throw failure('SANDBOX_BUDGET', `${of.name} has registered tools under ${MAX_PINNED_TOOLS} names by now, and gets no more`);
    const written = `${file}.${randomUUID()}`;
    try {
      await writeFile(written, pin, { mode: 0o600 });
      // Of two agents that see it at the same time one is first. Another content of the package was consented to anew.
      if (known === undefined) await link(written, file);
      else await rename(written, file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return (await readFile(file, 'utf8')) === pin;
    } finally {
      await rm(written, { force: true });
    }
  }
}

/** Leaves room for the name of the package in front of it. */
const NAME = /^[A-Za-z0-9_-]{1,48}$/;

const NOTHING: Registrations = { tools: [], commands: [], events: [], flags: [], shortcuts: [], providers: [] };

function failure(code: string, message: string): CapabilityFailure {
  return new CapabilityFailure({ code, message });
}

function onlyMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
