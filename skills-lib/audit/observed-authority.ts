import { extname } from 'node:path';
import { covers, isDashError, type PermissionSet, parsePermissionSet } from '../../format/index.ts';
import type { AuditedFile } from './audit-files.ts';

/** Something that a script or an example in a text reaches for, as the permission a package would ask for it with. */
export interface ObservedAuthority {
  readonly permission: string;
  /** Where it is mentioned first. */
  readonly path: string;
  readonly line: number;
  /** Whether what is declared covers it. */
  readonly declared: boolean;
}

/**
 * Reads from scripts and code in texts which hosts, commands and variables they name, and compares it with what is
 * declared. It is read, not understood: what a script computes is not in it, and what is in it may never run. Pure.
 */
export function observeAuthority(files: readonly AuditedFile[], declared: readonly string[]): readonly ObservedAuthority[] {
  const granted = parsePermissionSet(declared);
  const first = new Map<string, ObservedAuthority>();
  for (const { path, bytes } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    if (bytes === undefined || bytes.length > MAX_BYTES || bytes.includes(0)) continue;
    for (const { code, isShell, line } of codeOf(path, bytes.toString('utf8'))) {
      for (const { permission, offset } of [...hostsIn(code), ...variablesIn(code), ...(isShell ? commandsIn(code) : [])]) {
        if (first.has(permission)) continue;
        const at = line + code.slice(0, offset).split('\n').length - 1;
        first.set(permission, { permission, path, line: at, declared: isCovered(permission, granted) });
      }
    }
  }
  return [...first.values()].sort((a, b) => (a.permission < b.permission ? -1 : 1));
}

const MAX_BYTES = 512 * 1024;
const SHELL_FILES = ['.sh', '.bash', '.zsh'];
const CODE_FILES = [...SHELL_FILES, '.py', '.js', '.mjs', '.cjs', '.ts', '.mts', '.rb', '.pl', '.ps1'];

interface Code {
  readonly code: string;
  readonly isShell: boolean;
  /** Where it begins. */
  readonly line: number;
}

function codeOf(path: string, text: string): readonly Code[] {
  const extension = extname(path).toLowerCase();
  if (CODE_FILES.includes(extension)) return [{ code: text, isShell: SHELL_FILES.includes(extension), line: 1 }];
  if (extension !== '.md') return [];
  const blocks: Code[] = [];
  let open: { readonly fence: string; readonly isShell: boolean; readonly line: number; readonly lines: string[] } | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    const [, fence = '', language = ''] = /^\s*(`{3,}|~{3,})\s*([\w-]*)/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== '') open = { fence, isShell: /^(?:sh|bash|zsh|shell|console|terminal)$/i.test(language), line: at + 2, lines: [] };
    } else if (fence.startsWith(open.fence) && language === '') {
      blocks.push({ code: open.lines.join('\n'), isShell: open.isShell, line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

interface Mention {
  readonly permission: string;
  readonly offset: number;
}

function mentions(code: string, pattern: RegExp, toPermission: (name: string) => string | undefined): Mention[] {
  return [...code.matchAll(pattern)].flatMap((match) => {
    const permission = toPermission(match.slice(1).find((group) => group !== undefined) ?? '');
    return permission === undefined ? [] : [{ permission, offset: match.index }];
  });
}

function hostsIn(code: string): Mention[] {
  return mentions(code, /\bhttps?:\/\/([a-z0-9](?:[a-z0-9-]{0,62}\.){1,8}[a-z]{2,24})(?=[/:?#\s"'`)\]>,;]|$)/gi, (host) => `net:${host.toLowerCase()}`);
}

/** Every shell has them. */
const ORDINARY = new Set(['PATH', 'HOME', 'PWD', 'OLDPWD', 'USER', 'SHELL', 'TERM', 'LANG', 'TMPDIR', 'BASH_SOURCE', 'RANDOM', 'IFS', 'LINENO', 'PIPESTATUS']);

function variablesIn(code: string): Mention[] {
  const own = new Set([...code.matchAll(/^[ \t]*(?:export[ \t]+|local[ \t]+|readonly[ \t]+)?([A-Z][A-Z0-9_]{2,60})=/gm)].map(([, name]) => name));
  const pattern =
    /\$\{?([A-Z][A-Z0-9_]{2,60})\b|\bprocess\.env(?:\.|\[["'])([A-Z][A-Z0-9_]{2,60})\b|\bos\.(?:environ(?:\.get\(|\[)|getenv\()["']([A-Z][A-Z0-9_]{2,60})["']/g;
  return mentions(code, pattern, (name) => (own.has(name) || ORDINARY.has(name) ? undefined : `env:${name}`));
}

/** The shell's own words are no programs. */
const WORDS = new Set(
  'if then else elif fi for while until do done case esac in function select time echo printf cd export set unset local return exit shift test true false read source eval exec trap wait readonly declare alias pushd popd break continue'.split(
    ' ',
  ),
);

function commandsIn(code: string): Mention[] {
  return mentions(code, /(?:^[ \t]*(?:\$[ \t]+)?|(?:\||&&|;)[ \t]*)(?:sudo[ \t]+)?([a-z][a-z0-9_.-]{0,40})(?=[ \t]+[^=\s(:]|[ \t]*$)/gm, (name) =>
    WORDS.has(name) ? undefined : `exec:${name}`,
  );
}

function isCovered(permission: string, granted: PermissionSet): boolean {
  try {
    return covers(granted, parsePermissionSet([permission]));
  } catch (error) {
    // a name in a text that no permission could hold
    if (!isDashError(error)) throw error;
    return false;
  }
}
