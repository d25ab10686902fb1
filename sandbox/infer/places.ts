import { SourceMap } from 'node:module';
import type { Evidence } from '../../format/index.ts';

export interface PlaceOptions {
  /** The bundle's source map, as JSON. */
  readonly map: string;
  /** `name@version` of every dependency: the beginning of its files' names in the map. */
  readonly dependencies: readonly string[];
}

/** Where in the files of the author a place of the bundle comes from. */
export interface Places {
  at(offset: number): Pick<Evidence, 'where' | 'dependency'>;
  /** Whether it is the package's own code, and not a dependency's or the bundler's. */
  isOwn(offset: number): boolean;
}

export function openPlaces(code: string, { map, dependencies }: PlaceOptions): Places {
  const starts = lineStarts(code);
  const origins = new SourceMap(JSON.parse(map) as ConstructorParameters<typeof SourceMap>[0]);
  const known = new Set(dependencies);

  const at: Places['at'] = (offset) => {
    const line = lineAt(starts, offset);
    const entry = origins.findEntry(line, offset - (starts[line] ?? 0));
    if (!('originalSource' in entry) || entry.originalSource === undefined) return { where: { path: '' }, dependency: '' };
    const path = entry.originalSource.slice(0, 1_024).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
    const [, dependency = ''] = /^((?:@[^/]+\/)?[^/]+@[^/]+)\//.exec(path) ?? [];
    return {
      where: { path, line: entry.originalLine + 1, column: entry.originalColumn + 1 },
      ...(known.has(dependency) && { dependency }),
    };
  };
  return { at, isOwn: (offset) => at(offset).dependency === undefined };
}

function lineStarts(code: string): number[] {
  const starts = [0];
  for (let at = code.indexOf('\n'); at !== -1; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
