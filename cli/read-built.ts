import { isDashError } from '../format/index.ts';
import { finishBuilds, type InstalledPackage, type ProgressListener, readInstalled } from '../registry/index.ts';
import type { Invocation } from './command.ts';
import { inspectPorts } from './compose.ts';

/**
 * Reads what is installed, and builds first what an install left for later. A home that cannot be written to, or that
 * another `dash` is changing, costs those packages their extensions for now, not the user the agent.
 */
export async function readBuilt({ home, cwd, signal, globals, stderr }: Invocation): Promise<InstalledPackage[]> {
  const read = () => readInstalled({ dashHome: home, projectDir: cwd });
  const installed = await read();
  const waiting = installed.filter(({ pending, enabled }) => pending && enabled);
  if (waiting.length === 0) return installed;
  if (globals.quiet !== true) stderr.write(`building ${waiting.length === 1 ? waiting[0]?.name : `${waiting.length} packages`}, once\n`);
  // no line that is drawn: an agent may own the terminal by now
  const onProgress: ProgressListener = ({ kind }) => void (kind === 'waiting' && stderr.write('waiting for another dash\n'));
  for (const kind of new Set(waiting.map(({ scope }) => scope))) {
    try {
      await finishBuilds({ dashHome: home, scope: kind === 'user' ? { kind } : { kind, dir: cwd }, ports: inspectPorts(home), signal, onProgress });
    } catch (error) {
      if (!isDashError(error) || error.code === 'INTERRUPTED') throw error;
      stderr.write(`warning: ${waiting.length === 1 ? 'a package' : 'packages'} could not be built: ${error.message}\n`);
    }
  }
  return read();
}
