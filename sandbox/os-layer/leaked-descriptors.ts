import { readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * Descriptors above 2 that a child of this process would inherit: Node opens its own so that they close, but whoever
 * started the agent may have left some open, and bubblewrap hands on what it gets. Their places are filled with
 * `/dev/null` instead.
 */
export function leakedDescriptors(): readonly number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && !closesOnExec(descriptor))
    .sort((a, b) => a - b);
}

function closesOnExec(descriptor: number): boolean {
  try {
    const [, flags = ''] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return (parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch {
    return true; // gone already: it was the one that listed the directory
  }
}
