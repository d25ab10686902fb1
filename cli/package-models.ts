import { isDashError, type PermissionSet } from '../format/index.ts';
import { type ModelPort, openEndpoints, type PackageModels, withPackageProviders } from '../host/index.ts';
import { type InstalledPackage, readInstalled } from '../registry/index.ts';
import type { HostPorts, SandboxedPackage } from '../sandbox/index.ts';
import type { Invocation } from './command.ts';
import { openOne } from './open-one.ts';
import { manyLines, oneLine } from './output/terminal.ts';

export interface OpenPackageModels extends AsyncDisposable {
  readonly models: PackageModels;
}

const NO_GRANTS: PermissionSet = { permissions: [] };

/** Puts the providers of the installed packages beside the models of `port`, without an agent. No package is started by it. */
export async function openPackageModels(invocation: Invocation, port: ModelPort, ports: HostPorts): Promise<OpenPackageModels> {
  const { home, cwd, env, stderr } = invocation;
  const installed = await readInstalled({ dashHome: home, projectDir: cwd });
  const opened: SandboxedPackage[] = [];
  for (const one of installed.filter(mayDescribe)) {
    try {
      const notice = (text: string): void => stderr.write(`${manyLines(text)}\n`);
      opened.push(await openOne(one, one.dir, { invocation, grants: NO_GRANTS, ports, onDenial: () => undefined, notice }));
    } catch (error) {
      // what does not build costs its own models, and nobody else's
      if (!isDashError(error)) throw error;
      stderr.write(`warning: ${oneLine(one.name)}: ${oneLine(error.message)}\n`);
    }
  }
  const models = withPackageProviders(port, {
    dashHome: home,
    sources: () => opened.map((sandboxed) => ({ package: sandboxed.name, sandboxed })),
    endpoints: () => openEndpoints(env, home),
    origin: () => undefined,
    context: () => ({ mode: 'print', hasUI: invocation.canAsk }),
  });
  return {
    models,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

/** A directory may describe some by now. */
function mayDescribe({ enabled, linked, captured }: InstalledPackage): boolean {
  return enabled && (linked || (captured?.providers.length ?? 0) > 0);
}
