import { expect, test } from 'vitest';
import { consentLevel, levelUnder, parsePermission, parsePermissionSet, PROFILES, stricterProfile } from '../../format/index.ts';

const LEVELS: readonly (readonly [permission: string, open: string, balanced: string, strict: string])[] = [
  ['ui:notify', 'quiet', 'quiet', 'quiet'],
  ['fs:write:data:/cache', 'quiet', 'quiet', 'quiet'],
  ['fs:read', 'quiet', 'quiet', 'summary'],
  ['env:LANG', 'quiet', 'quiet', 'summary'],
  ['net:api.example.com', 'quiet', 'summary', 'one-by-one'],
  ['fs:write:./out', 'quiet', 'summary', 'one-by-one'],
  ['fs:read:~/notes', 'quiet', 'one-by-one', 'one-by-one'],
  ['env:API_KEY', 'quiet', 'one-by-one', 'one-by-one'],
  ['fs:read:~/.dash/x', 'policy', 'policy', 'policy'],
  ['!net:example.com', 'quiet', 'quiet', 'quiet'],
];

test.each(LEVELS)('%s is %s under open, %s under balanced, %s under strict', (text, open, balanced, strict) => {
  const permission = parsePermission(text);
  const level = consentLevel(permission, parsePermissionSet([text]));
  expect(PROFILES.map((profile) => levelUnder(profile, permission, level))).toEqual([open, balanced, strict, balanced]);
});

test('of two profiles the one that asks more counts', () => {
  expect(stricterProfile('open', 'strict')).toBe('strict');
  expect(stricterProfile('locked', 'balanced')).toBe('locked');
});
