import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { readIfPresent, replaceFile } from '../store/durable-file.ts';
import { ignoreDisk } from '../store/file-errors.ts';
import { sha256 } from '../verify/sha256.ts';

/** What a registry answered before. */
export interface KeptAnswer {
  readonly body: string;
  /** Within the time for which the registry said so. */
  readonly isFresh: boolean;
  /** For asking whether it has changed. */
  readonly conditions: Readonly<Record<string, string>>;
}

interface Head {
  readonly url: string;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly freshUntil: number;
}

/** As long as npm takes it for fresh when nothing is said. */
const LONGEST_FRESH_MS = 300_000;

/** Finds the last answer for an address; one that is cut off or of another address counts as none. */
export async function keptAnswer(url: string, dir: string): Promise<KeptAnswer | undefined> {
  const text = await readIfPresent(pathOf(url, dir));
  const end = text?.indexOf('\n') ?? -1;
  if (text === undefined || end < 0) return undefined;
  const head = parseHead(text.slice(0, end));
  if (head === undefined || head.url !== url) return undefined;
  const now = Date.now();
  return {
    body: text.slice(end + 1),
    // a clock that was set back must not make an answer fresh for years
    isFresh: now < head.freshUntil && head.freshUntil <= now + LONGEST_FRESH_MS,
    conditions: {
      ...(head.etag !== undefined && { 'if-none-match': head.etag }),
      ...(head.lastModified !== undefined && { 'if-modified-since': head.lastModified }),
    },
  };
}

/** Keeps an answer for the next time. A disk that does not take it costs a request, nothing more. */
export function keepAnswer(
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string | string[] | undefined>>; readonly body: string },
  dir: string,
): void {
  const control = String(headers['cache-control'] ?? '');
  if (/no-store/i.test(control)) return;
  const seconds = /no-cache/i.test(control) ? 0 : Number(/max-age=(\d+)/i.exec(control)?.[1] ?? 0);
  const { etag, 'last-modified': lastModified } = headers;
  const head: Head = {
    url,
    ...(typeof etag === 'string' && { etag }),
    ...(typeof lastModified === 'string' && { lastModified }),
    freshUntil: Date.now() + Math.min(seconds * 1000, LONGEST_FRESH_MS),
  };
  try {
    replaceFile(pathOf(url, dir), `${JSON.stringify(head)}\n${body}`, { mode: 0o600, directoryMode: 0o700 });
  } catch (error) {
    ignoreDisk(error);
  }
}

/** For an answer that turned out to be of no use: it must not stay fresh. */
export async function dropAnswer(url: string, dir: string): Promise<void> {
  await rm(pathOf(url, dir), { force: true }).catch(ignoreDisk);
}

function parseHead(text: string): Head | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHead(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHead(value: unknown): value is Head {
  return (
    typeof value === 'object' &&
    value !== null &&
    'url' in value &&
    typeof value.url === 'string' &&
    'freshUntil' in value &&
    typeof value.freshUntil === 'number'
  );
}

function pathOf(url: string, dir: string): string {
  return join(dir, sha256(url));
}
