import type { HostEvent } from './host-event.ts';

type ExtensionError = Omit<Extract<HostEvent, { readonly type: 'extension_error' }>, 'type'>;

/** What failed in a package, on one line that says each thing once: whose it is, in what, why and where. */
export function describeExtensionError({ extensionPath: owner, event, error, where }: ExtensionError): string {
  const what = event.replace(/^command:/, '/');
  // most errors of a package begin with its name
  const why = error.startsWith(`${owner}: `) ? error.slice(owner.length + 2) : error;
  const place = where === undefined ? '' : ` (${where.path}:${where.line ?? 1})`;
  return `${owner}: ${why.startsWith(`${what} `) ? why : `${what}: ${why}`}${place}`;
}
