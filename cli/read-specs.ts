import { DashError } from '../format/index.ts';
import { integrityOf, type PackageSpec, parseSpec } from '../registry/index.ts';

/** What was typed, and the tarball that came through standard input when one of the words was `-`. */
export interface ReadSpecs {
  readonly specs: readonly PackageSpec[];
  readonly piped: Buffer | undefined;
}

/** As large as an archive from a registry may be. */
const MAX_BYTES = 200 * 1024 * 1024;

/**
 * Reads specs as typed; `-` is the tarball on standard input.
 *
 * @throws {DashError} INVALID_SPEC; USAGE when nothing, or no tarball, is piped in
 */
export async function readSpecs(texts: readonly string[], cwd: string): Promise<ReadSpecs> {
  if (!texts.includes('-')) return { specs: texts.map((text) => parseSpec(text, { cwd })), piped: undefined };
  if (texts.indexOf('-') !== texts.lastIndexOf('-'))
    throw new DashError('USAGE', '`-` stands twice, and there is one standard input', { hint: 'name it once' });
  // before anything is read: a mistyped word should not wait for a pipe
  const others = texts.map((text) => (text === '-' ? undefined : parseSpec(text, { cwd })));
  const piped = await readTarball();
  return { specs: others.map((spec) => spec ?? { kind: 'stdin', integrity: integrityOf(piped) }), piped };
}

/** Gives the only one of several specs, for commands whose parser made sure that it is. */
export function only([spec]: readonly PackageSpec[]): PackageSpec {
  if (spec === undefined) throw new DashError('USAGE', 'nothing is named', { hint: 'name a package, e.g. `npm:name`' });
  return spec;
}

async function readTarball(): Promise<Buffer> {
  const hint = 'pipe a tarball into it: `curl … | dash install -`; a list of packages goes through `xargs dash install`';
  if (process.stdin.isTTY === true) throw new DashError('USAGE', '`-` reads a tarball from standard input, which is the terminal', { hint });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes: Buffer = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BYTES) throw new DashError('USAGE', `standard input has more than ${MAX_BYTES} bytes`, { hint: 'no package is so large' });
    chunks.push(bytes);
  }
  const bytes = Buffer.concat(chunks, length);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    throw new DashError('USAGE', length === 0 ? 'standard input is empty' : 'what was piped in is not a `.tgz`', { hint });
  }
  return bytes;
}
