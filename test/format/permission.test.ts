import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPermission, isDashError, parsePermission } from '../../format/index.ts';
import { anyText } from './arbitrary-permission.ts';

const canonical: readonly (readonly [string, string])[] = [
  ['fs:read', 'fs:read'],
  ['fs:read:./', 'fs:read'],
  ['fs:write:./output', 'fs:write:./output'],
  ['fs:write:./output/', 'fs:write:./output'],
  ['fs:read:./src/**/**/*.ts', 'fs:read:./src/**/*.ts'],
  ['fs:read:~/', 'fs:read:~/'],
  ['fs:read:~/notes', 'fs:read:~/notes'],
  ['fs:read:/etc/hosts', 'fs:read:/etc/hosts'],
  ['fs:read:/', 'fs:read:/'],
  ['fs:write:data:/', 'fs:write:data:/'],
  ['fs:write:tmp:/x', 'fs:write:tmp:/x'],
  ['fs:read:./..hidden', 'fs:read:./..hidden'],
  ['!fs:write:./src', '!fs:write:./src'],
  ['net:api.github.com', 'net:api.github.com'],
  ['net:API.GitHub.com', 'net:api.github.com'],
  ['net:api.github.com:443', 'net:api.github.com'],
  ['net:example.com:80', 'net:example.com:80'],
  ['net:POST,GET,POST:api.github.com/repos/', 'net:GET,POST:api.github.com/repos'],
  ['net:*.example.com', 'net:*.example.com'],
  ['net:*.corp.internal', 'net:*.corp.internal'],
  ['net:bücher.example', 'net:xn--bcher-kva.example'],
  ['net:localhost:3000', 'net:localhost:3000'],
  ['net:127.0.0.1:8080/api', 'net:127.0.0.1:8080/api'],
  ['net:[::1]:8080', 'net:[::1]:8080'],
  ['net:[2606:4700:0:0::1]', 'net:[2606:4700::1]'],
  ['net:cidr:10.0.0.0/8', 'net:cidr:10.0.0.0/8'],
  ['net:cidr:fd00::/8:8443', 'net:cidr:fd00::/8:8443'],
  ['net:host_with_underscore.example.com', 'net:host_with_underscore.example.com'],
  ['listen:0', 'listen:0'],
  ['listen:8080', 'listen:8080'],
  ['exec:git', 'exec:git'],
  ['exec:git log --format=%H', 'exec:git log --format=%H'],
  ['exec:/usr/bin/env', 'exec:/usr/bin/env'],
  ['env:HOME', 'env:HOME'],
  ['secret:GITHUB_TOKEN@api.github.com', 'secret:GITHUB_TOKEN@api.github.com'],
  ['secret:GITLAB@gitlab.com header PRIVATE-TOKEN', 'secret:GITLAB@gitlab.com header private-token'],
  ['model', 'model'],
  ['model:openrouter/meta/llama:free', 'model:openrouter/meta/llama:free'],
  ['model:credentials', 'model:credentials'],
  ['provider:llm.example.com', 'provider:llm.example.com'],
  ['tool:@scope/name/search', 'tool:@scope/name/search'],
  ['tool:host/bash', 'tool:host/bash'],
  ['tools:override:read', 'tools:override:read'],
  ['tools:intercept', 'tools:intercept'],
  ['session:read', 'session:read'],
  ['!node', '!node'],
];

/** Text, column, and a word of the reason. */
const refused: readonly (readonly [string, number, string])[] = [
  ['', 1, 'missing'],
  ['!', 2, 'missing'],
  ['!!fs:read', 2, 'not a permission'],
  ['fs', 1, 'not a permission'],
  ['fs:reed', 1, 'not a permission'],
  ['FS:READ', 1, 'not a permission'],
  [' fs:read', 1, 'not a permission'],
  ['fs:read ', 1, 'not a permission'],
  ['fs:read\u202e', 8, 'invisible'],
  ['fs:read:./a\u0000', 12, 'invisible'],
  ['net:exa\u200bmple.com', 8, 'invisible'],
  ['fs:read:', 9, 'a path begins'],
  ['fs:read:src', 9, 'a path begins'],
  ['fs:read:~', 9, 'a path begins'],
  ['fs:read:~root/x', 9, 'a path begins'],
  ['fs:read:../x', 9, 'a path begins'],
  ['fs:read:.', 9, 'a path begins'],
  ['fs:read:./a/../b', 13, '`..`'],
  ['fs:read:./a/./b', 13, '`.`'],
  ['fs:read:./a//b', 13, 'empty'],
  ['fs:read://etc', 10, 'empty'],
  ['fs:read:./a\\b', 12, 'no meaning'],
  ['fs:read:./{a,b}', 11, 'no meaning'],
  ['fs:read:./a?', 12, 'no meaning'],
  ['fs:read:./[ab]', 11, 'no meaning'],
  ['fs:read:./a**', 12, 'segment of its own'],
  ['net', 4, 'host is missing'],
  ['net:', 5, 'host is missing'],
  ['net:*', 5, 'every host'],
  ['net:*.com', 7, 'public suffix'],
  ['net:*.co.uk', 7, 'public suffix'],
  ['net:*.github.io', 7, 'public suffix'],
  ['net:*.internal', 7, 'public suffix'],
  ['net:*.localhost', 7, 'literally'],
  ['net:*.0.0.1', 7, 'another host'],
  ['net:api.*.com', 9, '`*`'],
  ['net:https://a.com', 5, 'not a URL'],
  ['net:user@a.com', 9, 'this character'],
  ['net:127.1', 5, 'another host'],
  ['net:0x7f.0.0.1', 5, 'another host'],
  ['net:2130706433', 5, 'another host'],
  ['net:0177.0.0.1', 5, 'another host'],
  ['net:example.com.', 5, 'not a host'],
  ['net:-a.com', 5, 'not a host'],
  ['net:::1', 5, 'not a host'],
  ['net:[::ffff:127.0.0.1]', 5, 'IPv6 clothes'],
  ['net:[::g]', 5, 'not a host'],
  ['net:a.com:0', 11, 'not a port'],
  ['net:a.com:65536', 11, 'not a port'],
  ['net:a.com:080', 11, 'not a port'],
  ['net:a.com:', 11, 'not a port'],
  ['net:FETCH:a.com', 5, 'not a method'],
  ['net:GET,,POST:a.com', 5, 'not a method'],
  ['net:a.com/x?y', 12, 'no meaning'],
  ['net:a.com/%2e', 11, 'cannot be part of a path'],
  ['net:a.com/../b', 11, '`..`'],
  ['net:cidr:10.0.0.1/8', 10, 'bits after'],
  ['net:cidr:10.0.0.0', 5, 'written'],
  ['net:cidr:10.0.0.0/33', 19, 'prefix length'],
  ['net:cidr:x/8', 10, 'not an IP'],
  ['listen', 7, 'not a port'],
  ['listen:x', 8, 'not a port'],
  ['exec', 5, 'program is missing'],
  ['exec:', 6, 'program is missing'],
  ['exec:git  status', 10, 'one space'],
  ['exec:git "a"', 10, 'cannot be part'],
  ['exec:git;rm', 9, 'cannot be part'],
  ['exec:git *', 10, 'cannot be part'],
  ['exec:./run', 6, 'bare name'],
  ['exec:bin/run', 6, 'bare name'],
  ['exec:/usr/../bin/x', 6, 'bare name'],
  ['exec:-x', 6, 'not a program'],
  ['env', 4, 'variable'],
  ['env:A-B', 5, 'variable'],
  ['env:A*', 5, 'variable'],
  ['secret:TOKEN', 8, 'NAME@HOST'],
  ['secret:T@*.example.com', 10, 'named in full'],
  ['secret:T@a.com header Cookie', 23, 'cannot carry'],
  ['secret:T@a.com header Proxy-Authorization', 23, 'cannot carry'],
  ['secret:T@a.com header a:b', 23, 'not the name of a header'],
  ['model:gpt', 7, 'PROVIDER/ID'],
  ['tool:bash', 6, 'PACKAGE/NAME'],
  ['tool:host/', 11, 'name of a tool'],
  ['tool:../x/y', 6, 'name of a package'],
  ['tools:override', 15, 'name of a tool'],
  ['ui:notify:x', 11, 'no argument'],
  ['__proto__', 1, 'not a permission'],
  ['constructor:x', 1, 'not a permission'],
];

describe('parsePermission', () => {
  it.each(canonical)('reads %j as %j', (text, expected) => {
    expect(formatPermission(parsePermission(text))).toBe(expected);
  });

  it.each(refused)('refuses %j at column %i: %s', (text, column, reason) => {
    const error = failure(text);
    expect(error.code).toBe('INVALID_PERMISSION');
    expect(error.message).toContain(`column ${column}: `);
    expect(error.message).toContain(reason);
    expect(error.hint).not.toBe('');
  });

  it('refuses a text that is longer than any honest one', () => {
    expect(failure(`fs:read:./${'a'.repeat(2000)}`).message).toContain('longer than 1024');
  });

  it('shows invisible characters of what it refuses', () => {
    expect(failure('fs:read\u202e').message).toContain('\\u{202e}');
  });

  it('gives a canonical text that parses to itself', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = parsePermission(text);
        const again = parsePermission(formatPermission(once));
        expect(again).toEqual(once);
        expect(formatPermission(again)).toBe(formatPermission(once));
      }),
    );
  });

  it('answers every text with a permission or INVALID_PERMISSION', () => {
    const noise = fc
      .tuple(fc.constantFrom('', '!', 'fs:read:', 'net:', 'net:cidr:', 'exec:', 'secret:', 'tool:', 'model:'), fc.string({ unit: 'grapheme' }))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(noise, (text) => {
        try {
          const permission = parsePermission(text);
          expect(parsePermission(formatPermission(permission))).toEqual(permission);
        } catch (error) {
          if (!isDashError(error, 'INVALID_PERMISSION')) throw error;
        }
      }),
    );
  });
});

function failure(text: string) {
  try {
    parsePermission(text);
  } catch (error) {
    if (isDashError(error)) return error;
    throw error;
  }
  throw new Error(`\`${text}\` was accepted`);
}
