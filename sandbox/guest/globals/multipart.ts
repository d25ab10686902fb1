import { File } from './blob.ts';
import { FormData } from './form-data.ts';
import { bytesToLatin1, latin1ToBytes } from './native-work.ts';
import { decodeUtf8 } from './text-encoding.ts';

/** Reads a multipart body (RFC 7578) as `Response.formData` does. @throws {TypeError} when it is none */
export function decodeForm(bytes: Uint8Array, contentType: string): FormData {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed();
  const text = `\r\n${bytesToLatin1(bytes)}`;
  const parts = text.split(`\r\n--${boundary}`);
  if (parts.length < 2 || !/^--\s*$/.test(parts.at(-1) ?? '')) throw malformed();
  const form = new FormData();
  for (const part of parts.slice(1, -1)) {
    const cut = part.indexOf('\r\n\r\n');
    const head = new Map(
      part
        .slice(0, Math.max(cut, 0))
        .split('\r\n')
        .filter((line) => line.includes(':'))
        .map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const disposition = head.get('content-disposition') ?? '';
    const name = parameter(disposition, 'name');
    if (cut < 0 || !/^form-data\b/i.test(disposition) || name === undefined) throw malformed();
    const filename = parameter(disposition, 'filename');
    const body = latin1ToBytes(part.slice(cut + 4));
    if (filename === undefined) form.append(name, decodeUtf8(body));
    else form.append(name, new File([body], filename, { type: head.get('content-type') ?? 'text/plain' }));
  }
  return form;
}

function parameter(disposition: string, name: string): string | undefined {
  const [, value] = new RegExp(`;\\s*${name}="([^"]*)"`, 'i').exec(disposition) ?? [];
  // what a name may not hold is written as in a URL, and its text is UTF-8
  return value === undefined ? undefined : decodeUtf8(latin1ToBytes(value)).replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
}

function malformed(): TypeError {
  return new TypeError('Failed to parse body as FormData.');
}
