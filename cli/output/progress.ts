import type { ConsentPort, Progress, ProgressListener } from '../../registry/index.ts';
import type { Invocation } from '../command.ts';
import { oneLine } from './terminal.ts';

export interface ShownProgress extends Disposable {
  readonly listener: ProgressListener;
  /** The line goes away while a question stands there. */
  pausedFor(port: ConsentPort): ConsentPort;
}

/** One line on a terminal that says what is going on; nothing where nobody watches, but that it waits. */
export function showProgress({ stderr, globals }: Pick<Invocation, 'stderr' | 'globals'>): ShownProgress {
  const live = stderr.isInteractive && globals.quiet !== true && globals.json !== true;
  let packages = 0;
  let bytes = 0;
  let shown = false;
  const clear = (): void => {
    if (shown) stderr.write('\r\u001B[K');
    shown = false;
  };
  const line = (text: string): void => {
    clear();
    stderr.write(text.slice(0, 78));
    shown = true;
  };
  return {
    listener: (progress) => {
      if (progress.kind === 'waiting') stderr.write(`waiting for another dash${progress.holder === undefined ? '' : ` (${oneLine(progress.holder)})`}\n`);
      if (!live) return;
      if (progress.kind === 'downloaded') {
        packages++;
        bytes += progress.bytes;
      }
      line(`${describe(progress)}${packages === 0 ? '' : `  ${packages} packages, ${Math.round(bytes / 1024)} kB`}`);
    },
    pausedFor: (port) => ({
      ask: (plan) => {
        clear();
        return port.ask(plan);
      },
    }),
    [Symbol.dispose]: clear,
  };
}

function describe(progress: Progress): string {
  switch (progress.kind) {
    case 'waiting':
      return 'waiting';
    case 'resolving':
      return `resolving ${oneLine(progress.spec)}`;
    case 'consented':
      return 'consented';
    case 'commit':
      return `committing: ${progress.step}`;
    default:
      return `${progress.kind} ${oneLine(progress.name)} ${oneLine(progress.version)}`;
  }
}
