import type { JsonObject } from '../../../model/messages.ts';

/** What a call does, in a word and its object: one line, however long the arguments are. */
export function toolTitle(name: string, args: JsonObject): { readonly verb: string; readonly object: string } {
  const object = OBJECTS[name]?.(args) ?? anyObject(args);
  return { verb: name, object: oneLine(object) };
}

const OBJECTS: Readonly<Record<string, (args: JsonObject) => string | undefined>> = {
  bash: ({ command }) => word(command),
  '!': ({ command }) => word(command),
  '!!': ({ command }) => word(command),
  read: ({ path, offset, limit }) => {
    const from = typeof offset === 'number' ? offset : 1;
    const range = typeof offset === 'number' || typeof limit === 'number' ? `:${from}${typeof limit === 'number' ? `-${from + limit - 1}` : ''}` : '';
    return `${word(path) ?? ''}${range}`;
  },
  write: ({ path }) => word(path),
  edit: ({ path }) => word(path),
  ls: ({ path }) => word(path) ?? '.',
  find: ({ pattern, path }) => [word(pattern), word(path)].filter(Boolean).join(' in '),
  grep: ({ pattern, path }) => [word(pattern), word(path)].filter(Boolean).join(' in '),
};

function word(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function anyObject(args: JsonObject): string {
  const [only, ...others] = Object.values(args);
  return others.length === 0 && typeof only === 'string' ? only : only === undefined ? '' : JSON.stringify(args);
}

function oneLine(text: string): string {
  const [first = '', ...rest] = text.trim().slice(0, MAX_OBJECT).split('\n');
  return rest.length === 0 ? first : `${first} …`;
}

const MAX_OBJECT = 2000;
