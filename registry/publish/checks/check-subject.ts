import type { Diagnostic, Resources } from '../../../format/index.ts';
import type { PackageFiles } from '../package-files.ts';

/** What every check looks at: the package as it would be published. */
export interface CheckSubject extends PackageFiles {
  readonly resources: Resources;
}

/** One check: a function of the package alone. */
export type Check = (subject: CheckSubject) => readonly Diagnostic[];

/** The text of a packed file, or `undefined` where it is none. */
export function textOf(bytes: Buffer): string | undefined {
  return bytes.includes(0) ? undefined : bytes.toString('utf8');
}

/** Answers the line, counted from 1, in which `offset` of `text` lies. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
