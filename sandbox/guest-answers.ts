import { DashError } from '../format/index.ts';
import type { PlacedError } from './error-place.ts';
import type { ToolContent, ToolOutcome } from './extension.ts';
import { unsupportedCode } from './guest-session.ts';

/** Reads what a tool answered: a guest may answer anything, and what is no content is left out. */
export function toOutcome(value: unknown): ToolOutcome {
  const { content, details, isError, terminate, structuredContent } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const blocks = Array.isArray(content) ? content.filter(isContent) : [];
  return {
    content: blocks,
    details: details ?? structuredContent,
    isError: isError === true,
    ...(terminate === true && { terminate: true }),
    ...(structuredContent !== undefined && { structuredContent }),
  };
}

/** The model reads the message; `details` tell an author where in the package's own files it was thrown. */
export function toFailure({ message, code, where }: PlacedError): ToolOutcome {
  return { content: [{ type: 'text', text: message }], details: { ...(code !== undefined && { code }), ...(where && { where }) }, isError: true };
}

/** What a handler of the package threw, for who called it. */
export function guestError(packageName: string, what: string, { code, message, where }: PlacedError): DashError {
  return new DashError(unsupportedCode(code) ?? 'GUEST_ERROR', `${packageName}: ${what} failed: ${message}`, { ...(where && { where }) });
}

function isContent(block: unknown): block is ToolContent {
  if (typeof block !== 'object' || block === null) return false;
  const { type, text, data, mimeType } = block as Record<string, unknown>;
  return (type === 'text' && typeof text === 'string') || (type === 'image' && typeof data === 'string' && typeof mimeType === 'string');
}
