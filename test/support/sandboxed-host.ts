import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DashError, type ModuleGraph, parsePermissionSet, mergeRegistrations } from '../../format/index.ts';
import { createHost, type Host, type HostEvent, type HostOptions, type LoadedPackage, type OpenPackage } from '../../host/index.ts';
import { createScriptedModel, type Script } from '../../host/model/scripted.ts';
import { AuditTrail, capturePackage, compilePackage, openPackage, type OpenOptions } from '../../sandbox/index.ts';

/** Linked directories in the real sandbox: the host with nothing taken out. */
export interface SandboxedHost extends AsyncDisposable {
  readonly host: Host;
  readonly events: HostEvent[];
  readonly directories: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface Source {
  readonly name: string;
  /** A file to copy, or its text. */
  readonly from?: string;
  readonly text?: string;
  readonly granted?: readonly string[];
  /** `false`: what it registers is only known once it runs. */
  readonly captured?: boolean;
}

const EXAMPLES = join(import.meta.dirname, '../../node_modules/@earendil-works/pi-coding-agent/examples/extensions');

/** Starts a host over linked directories; `from` names one of pi's own examples. */
export async function startSandboxedHost(
  script: Script,
  sources: readonly Source[],
  change: Partial<HostOptions> = {},
  surroundings: Pick<Partial<OpenOptions>, 'environment' | 'lookUpSecret'> = {},
): Promise<SandboxedHost> {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'dash-examples-'));
  const directories: Record<string, string> = {};
  for (const { name, from, text = '' } of sources) {
    const dir = await mkdtemp(join(root, `${name}-`));
    directories[name] = dir;
    await writeFile(join(dir, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    if (from === undefined) await writeFile(join(dir, 'index.ts'), text);
    else await copyFile(join(EXAMPLES, from), join(dir, 'index.ts'));
  }
  const bundles = { directory: join(root, 'bundles') };
  const audit = new AuditTrail(join(root, 'audit'));
  const cwd = await mkdtemp(join(root, 'workspace-'));
  const dashHome = await mkdtemp(join(root, 'home-'));

  const open: OpenPackage = async ({ name, version, contentHash, dir, granted }, ports) => {
    const graph: ModuleGraph = { root: name, nodes: { [name]: { name, version, dir, dependencies: {} } } };
    const compiled = await compilePackage({ graph, entries: ['index.ts'] }, bundles);
    const [failure] = compiled.failures;
    if (failure !== undefined) throw new DashError('COMPILE_FAILED', failure.error.message, { where: failure.error.where });
    const { captureOutcomes: captures } = await capturePackage({ name, version, contentHash, graph, compiled }, bundles);
    const captured = captures.every((capture) => capture.kind === 'ok') ? mergeRegistrations(captures.map(({ registrations }) => registrations)) : undefined;
    return openPackage(
      { name, version, contentHash, graph, compiled, granted, captured },
      { ports, audit, bundles, workspace: cwd, home: root, dashHome, environment: {}, ...surroundings },
    );
  };
  const read = async (): Promise<readonly LoadedPackage[]> =>
    Promise.all(
      sources.map(async ({ name, granted = [], captured = true }) => ({
        id: `path:${directories[name]}`,
        name,
        version: '1.0.0',
        dir: directories[name] ?? '',
        linked: true,
        contentHash: createHash('sha256')
          .update(await readFile(join(directories[name] ?? '', 'index.ts')))
          .digest('hex'),
        resources: { extensions: ['index.ts'], skills: [], prompts: [], themes: [] },
        granted: parsePermissionSet(granted),
        captured,
        diagnostics: [],
      })),
    );

  const host = await createHost({ cwd, dashHome, env: {}, models: createScriptedModel(script), readPackages: read, openPackage: open, ...change });
  const events: HostEvent[] = [];
  host.subscribe((event) => void events.push(event));
  return {
    host,
    events,
    directories,
    cwd,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      audit[Symbol.dispose]();
      await rm(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
