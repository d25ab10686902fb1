import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  mergeRegistrations,
  parsePermissionSet,
  type CaptureOutcome,
  type CompiledPackage,
  type DashError,
  type ModuleGraph,
  type ModuleNode,
  type Registrations,
} from '../../format/index.ts';
import {
  type Authority,
  AuditTrail,
  capturePackage,
  compilePackage,
  openPackage,
  type CallContext,
  type Denial,
  type HostPorts,
  type OsLayer,
  type SandboxedPackage,
  type SpareProcess,
  type ToolOutcome,
} from '../../sandbox/index.ts';
import { writePackFile } from './module-files.ts';

/** A directory of its own under the real path of the system's temporary one, gone at the end of the scope. */
export async function temporaryDirectory(prefix = 'dash-test-'): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(await realpath(tmpdir()), prefix));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }) };
}

/** Writes files given as `{path: text}` below `directory`. */
export async function writeFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

export interface Fixture extends AsyncDisposable {
  readonly extension: SandboxedPackage;
  readonly compiled: CompiledPackage;
  readonly captures: readonly CaptureOutcome[];
  readonly graph: ModuleGraph;
  readonly audit: AuditTrail;
  readonly auditDirectory: string;
  readonly packageDirectory: string;
  readonly workspace: string;
  readonly home: string;
  readonly dashHome: string;
  readonly bundles: { readonly directory: string };
  readonly denials: Denial[];
  readonly logs: string[];
  readonly failures: DashError[];
  /** What the package said to the host's ports, in order. */
  readonly said: unknown[];
  /** Opens the same package once more, with other options. */
  reopen(options?: Partial<FixtureOptions> & { readonly captured?: Registrations; readonly contentHash?: string }): SandboxedPackage;
  call(tool: string, args?: unknown, options?: CallOptions): Promise<ToolOutcome>;
  /** The text of a tool's answer. */
  text(tool: string, args?: unknown, options?: CallOptions): Promise<string>;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onUpdate?: (partial: ToolOutcome) => void;
}

export interface FixtureOptions {
  readonly name?: string;
  /** Files of the package; the entry is `index.ts` unless `entries` says otherwise. */
  readonly files: Readonly<Record<string, string>>;
  readonly entries?: readonly string[];
  /** Dependencies by name, kept in packs. */
  readonly packs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly granted?: readonly string[];
  readonly workspaceFiles?: Readonly<Record<string, string>>;
  readonly homeFiles?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: Partial<HostPorts>;
  /** Default: what this machine has. */
  readonly osLayer?: () => Promise<OsLayer>;
  /** Capture first, as an install does. Default true. */
  readonly capture?: boolean;
  readonly spare?: SpareProcess;
  readonly idleMs?: number;
  readonly maxPrivateBytes?: number;
  /** Directories of the workspace that other packages are linked from. */
  readonly linked?: readonly string[];
  /** Default: what is granted, and nobody is asked. */
  readonly authority?: Authority;
}

export const context: CallContext = { mode: 'print', hasUI: false };

/** One package compiled, captured and opened in real processes, in directories of its own. */
export async function openFixture(options: FixtureOptions): Promise<Fixture> {
  const { name = 'probe', files, entries = ['index.ts'], workspaceFiles = {}, homeFiles = {} } = options;
  const root = await temporaryDirectory('dash-sandbox-');
  const at = (place: string): string => join(root.path, place);
  const [packageDirectory, workspace, home, dashHome, auditDirectory] = [at('package'), at('workspace'), at('home'), at('home/.dash'), at('audit')];
  for (const place of [packageDirectory, workspace, home, dashHome]) await mkdir(place, { recursive: true });
  await writeFiles(packageDirectory, { 'package.json': JSON.stringify({ name, version: '1.0.0' }), ...files });
  await writeFiles(workspace, workspaceFiles);
  await writeFiles(home, homeFiles);

  const bundles = { directory: at('bundles') };
  const packs = Object.entries(options.packs ?? {});
  const dependencies = Object.fromEntries(packs.map(([dependency]) => [dependency, dependency]));
  const others = packs.map(async ([dependency, of]): Promise<[string, ModuleNode]> => [
    dependency,
    { name: dependency, version: '1.0.0', pack: await writePackFile(at('packs'), of), dependencies: {} },
  ]);
  const own: ModuleNode = { name, version: '1.0.0', dir: packageDirectory, dependencies };
  const graph: ModuleGraph = { root: name, nodes: Object.fromEntries([[name, own], ...(await Promise.all(others))]) };
  const bundled = await compilePackage({ graph, entries }, bundles);
  const [failure] = bundled.failures;
  if (failure !== undefined) throw new Error(`${failure.entry}: ${failure.error.message}`);
  const contentHash = 'a'.repeat(64);
  const { compiled, captureOutcomes: captures } =
    options.capture === false
      ? { compiled: bundled, captureOutcomes: [] }
      : await capturePackage({ name, version: '1.0.0', contentHash, graph, compiled: bundled }, bundles);
  const captured =
    captures.length > 0 && captures.every((capture) => capture.kind === 'ok')
      ? mergeRegistrations(captures.map(({ registrations }) => registrations))
      : undefined;

  const audit = new AuditTrail(auditDirectory);
  const [denials, logs, failures, said]: [Denial[], string[], DashError[], unknown[]] = [[], [], [], []];
  const opened: SandboxedPackage[] = [];
  const reopen: Fixture['reopen'] = (other = {}) => {
    const merged = { ...options, ...other };
    const extension = openPackage(
      {
        name,
        version: '1.0.0',
        contentHash: other.contentHash ?? contentHash,
        graph,
        compiled,
        granted: parsePermissionSet(merged.granted ?? []),
        ...(merged.authority && { authority: merged.authority }),
        captured: 'captured' in other ? other.captured : captured,
      },
      {
        ports: { ...recordingPorts(said), ...merged.ports },
        audit,
        bundles,
        workspace,
        home,
        dashHome,
        environment: merged.environment ?? {},
        ...(merged.linked && { linked: merged.linked.map((directory) => join(workspace, directory)) }),
        ...(merged.osLayer && { osLayer: merged.osLayer }),
        ...(merged.spare && { spare: merged.spare }),
        ...(merged.idleMs !== undefined && { idleMs: merged.idleMs }),
        ...(merged.maxPrivateBytes !== undefined && { maxPrivateBytes: merged.maxPrivateBytes }),
        onDenial: (denial) => denials.push(denial),
        onLog: (level, text) => logs.push(`${level}: ${text}`),
        onFailure: (error) => failures.push(error),
      },
    );
    opened.push(extension);
    return extension;
  };
  const extension = reopen();
  let nextCall = 1;
  const call: Fixture['call'] = (tool, args = {}, callOptions = {}) =>
    extension.callTool(tool, args, { toolCallId: `call-${nextCall++}`, context, timeoutMs: 10_000, ...callOptions });

  return {
    extension,
    compiled,
    captures,
    graph,
    audit,
    auditDirectory,
    packageDirectory,
    workspace,
    home,
    dashHome,
    bundles,
    denials,
    logs,
    failures,
    said,
    reopen,
    call,
    text: async (tool, args, callOptions) => textOf(await call(tool, args, callOptions)),
    [Symbol.asyncDispose]: async () => {
      for (const each of opened) each.kill();
      for (const each of opened) await each[Symbol.asyncDispose]();
      audit[Symbol.dispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}

export function textOf({ content }: ToolOutcome): string {
  return content.map(({ text }) => String(text)).join('\n');
}

/** A tool as source text, with the body of its `execute(id, params, signal, onUpdate, ctx)`. */
export function tool(name: string, body: string): string {
  return `pi.registerTool({ name: ${JSON.stringify(name)}, description: 'a probe', parameters: { type: 'object' }, execute: async (id, params, signal, onUpdate, ctx) => { ${body} } });`;
}

/** An entry point that registers `tools`, after `top` at module level. */
export function extensionOf(tools: Readonly<Record<string, string>>, top = ''): string {
  return `${top}\nexport default (pi) => {\n${Object.entries(tools)
    .map(([name, body]) => tool(name, body))
    .join('\n')}\n};\n`;
}

/** Ports of a host that has no user and no model; it writes down what it is told. */
export function recordingPorts(said: unknown[]): HostPorts {
  const nothing = async (): Promise<undefined> => undefined;
  return {
    ui: {
      notify: (message, level) => void said.push(['notify', message, level]),
      select: nothing,
      confirm: async () => false,
      input: nothing,
      editor: nothing,
      set: (surface) => void said.push(['set', surface]),
      editorText: () => '',
    },
    session: {
      query: (query) => ({ asked: query }),
      appendEntry: (packageName, customType, data) => void said.push(['appendEntry', packageName, customType, data]),
      sendMessage: (packageName, message) => void said.push(['sendMessage', packageName, message]),
      sendUserMessage: (packageName, content) => void said.push(['sendUserMessage', packageName, content]),
      setName: (name) => void said.push(['setName', name]),
      setLabel: (id, label) => void said.push(['setLabel', id, label]),
      control: async (control) => ({ cancelled: true, control }),
    },
    agent: {
      query: (query) => ({ asked: query }),
      setActiveTools: (_, names) => void said.push(['setActiveTools', names]),
      toolsChanged: (packageName, refused) => void said.push(['toolsChanged', packageName, ...(refused ? [refused] : [])]),
      providersChanged: (packageName) => void said.push(['providersChanged', packageName]),
      setModel: async () => false,
      setThinkingLevel: (level) => void said.push(['setThinkingLevel', level]),
      complete: async () => ({ text: 'scripted' }),
      callTool: async (call) => void said.push(['callTool', call]),
      spawn: async ({ name, task }) => {
        said.push(['spawn', { name, task }]);
        return { agentId: 'a', result: `did ${task}`, totalCost: 0 };
      },
      emit: (packageName, channel, data) => void said.push(['emit', packageName, channel, data]),
      flag: () => undefined,
    },
  };
}

/** Tells whether a process lives (a zombie does not). */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    return !/^State:\s+[ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits for a fact to become true; the time is a guard against hanging, not an assertion. */
export async function until(fact: () => boolean | Promise<boolean>, guardMs = 40_000): Promise<void> {
  const end = Date.now() + guardMs;
  while (!(await fact())) {
    if (Date.now() > end) throw new Error(`this never became true: ${fact.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
