import type { CaptureOutcome, Registrations } from './extension-record.ts';

/**
 * Joins what the entry points registered, in their order. Handlers are numbered through the package: capture runs each
 * entry on its own and counts from zero again, a waking package runs all of them in one isolate.
 */
export function mergeRegistrations(parts: readonly Registrations[]): Registrations {
  const renderers = parts.flatMap((part) => part.renderers ?? []);
  return {
    tools: parts.flatMap(({ tools }) => tools),
    commands: parts.flatMap(({ commands }) => commands),
    events: parts.flatMap(({ events }) => events).map((registration, handler) => ({ ...registration, handler })),
    flags: parts.flatMap(({ flags }) => flags),
    shortcuts: parts.flatMap(({ shortcuts }) => shortcuts),
    providers: parts.flatMap(({ providers }) => providers),
    ...(renderers.length > 0 && { renderers }),
  };
}

/**
 * What a package registers by its captures; `undefined` as long as an entry waits for a grant to register anything. An
 * entry that failed offers nothing, and takes nothing from the others.
 */
export function mergeCaptured(outcomes: readonly CaptureOutcome[]): Registrations | undefined {
  if (outcomes.some(({ kind }) => kind === 'deferred')) return undefined;
  return mergeRegistrations(outcomes.flatMap((outcome) => (outcome.kind === 'ok' ? [outcome.registrations] : [])));
}
