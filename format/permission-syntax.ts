import { DashError } from './dash-error.ts';

/** Ends the parse of a permission with the offset, the reason and what to write instead. */
export type Refuse = (at: number, why: string, hint?: string) => never;

/** Makes the {@link Refuse} of one permission text. Columns count from 1. */
export function refuser(text: string): Refuse {
  return (at, why, hint) => {
    throw new DashError('INVALID_PERMISSION', `\`${visible(text)}\`, column ${at + 1}: ${why}`, {
      hint: hint ?? 'the grammar is in PACKAGE_FORMAT.md, section "Permissions"',
    });
  };
}

/** Characters that can make a permission look like another one. */
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function visible(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}`]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
