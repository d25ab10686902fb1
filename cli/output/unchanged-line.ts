import type { PackageView } from '../../registry/index.ts';
import { oneLine, type Style } from './terminal.ts';

/** What an install says of a package that stays as it is. */
export function unchangedLine({ name, version }: Pick<PackageView, 'name' | 'version'>, style: Style): string {
  return `unchanged ${style.strong(oneLine(name))} ${oneLine(version)}`;
}
