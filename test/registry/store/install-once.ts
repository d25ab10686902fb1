/**
 * Installs in a process of its own and, when told, kills itself at one moment.
 * Arguments: home, workspace, registry, the moment or `never`, specs.
 */
import { install, parseSpec, type Progress } from '../../../registry/index.ts';
import { plainPorts } from '../plain-ports.ts';

const [dashHome = '', workspace = '', registry = '', moment = 'never', ...specs] = process.argv.slice(2);

await install(
  specs.map((text) => parseSpec(text, { cwd: workspace })),
  {
    dashHome,
    workspace,
    scope: { kind: 'user' },
    ports: plainPorts(dashHome),
    npm: { registry },
    grant: ['summary'],
    onProgress(progress: Progress) {
      const name = progress.kind === 'commit' ? `commit:${progress.step}` : progress.kind;
      if (name === moment) process.kill(process.pid, 'SIGKILL');
    },
  },
);
