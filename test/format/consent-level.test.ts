import { describe, expect, it } from 'vitest';
import { consentLevel, describeSet, formatPermissionSet, looksSecret, parsePermission, parsePermissionSet, PLAIN_AREAS } from '../../format/index.ts';

/** The permission, what it is asked together with, the level. */
const levels: readonly (readonly [string, string[], string])[] = [
  ['fs:read', [], 'quiet'],
  ['fs:read', ['net:a.com'], 'summary'],
  ['fs:read', ['net:*.a.com'], 'one-by-one'],
  ['fs:read', ['net:cidr:10.0.0.0/8'], 'one-by-one'],
  ['fs:read', ['net:localhost:3000'], 'quiet'],
  ['fs:read', ['!net:a.com'], 'quiet'],
  ['fs:read', ['exec:git'], 'quiet'],
  ['fs:read', ['exec:git', 'node'], 'summary'],
  ['session:read', [], 'quiet'],
  ['session:read', ['net:a.com'], 'summary'],
  ['fs:read:data:/', ['net:*.a.com'], 'quiet'],
  ['fs:write:tmp:/', [], 'quiet'],
  ['fs:read:~/notes', [], 'one-by-one'],
  ['fs:read:/etc/hosts', [], 'one-by-one'],
  ['fs:read:./.env', [], 'one-by-one'],
  ['fs:read:./**/.env*', [], 'policy'],
  ['fs:read:./*.pem', [], 'policy'],
  ['fs:read:./*.ts', [], 'quiet'],
  ['fs:read:~/.dash/grants.json', [], 'policy'],
  ['fs:write', [], 'summary'],
  ['fs:write:./output', [], 'summary'],
  ['fs:write:./package.json', [], 'one-by-one'],
  ['fs:write:./.git/**', [], 'policy'],
  ['fs:write:~/x', [], 'one-by-one'],
  ['net:a.com', [], 'summary'],
  ['net:a.com', ['fs:read'], 'summary'],
  ['net:*.a.com', [], 'summary'],
  ['net:*.a.com', ['fs:read'], 'one-by-one'],
  ['net:*.a.com', ['fs:read:data:/'], 'summary'],
  ['exec:git', [], 'summary'],
  ['env:LANG', [], 'quiet'],
  ['env:GITHUB_TOKEN', [], 'one-by-one'],
  ['secret:T@a.com', [], 'one-by-one'],
  ['model', [], 'summary'],
  ['model:credentials', [], 'one-by-one'],
  ['provider:a.com', [], 'one-by-one'],
  ['session:write', [], 'summary'],
  ['prompt:modify', [], 'summary'],
  ['tools:intercept', [], 'one-by-one'],
  ['tools:override:read', [], 'one-by-one'],
  ['tools:dynamic', [], 'one-by-one'],
  ['tool:host/bash', [], 'one-by-one'],
  ['ui:notify', [], 'quiet'],
  ['node', [], 'one-by-one'],
  ['!node', [], 'quiet'],
];

describe('consentLevel', () => {
  it.each(levels)('of %s beside %j is %s', (text, beside, level) => {
    expect(consentLevel(parsePermission(text), parsePermissionSet([text, ...beside]))).toBe(level);
  });

  it('knows every area', () => {
    for (const area of PLAIN_AREAS) {
      const set = parsePermissionSet([area]);
      expect(set.permissions.map((permission) => consentLevel(permission, set))).not.toContain(undefined);
    }
  });
});

describe('looksSecret', () => {
  it.each([
    'GITHUB_TOKEN',
    'OPENAI_API_KEY',
    'apiKey',
    'AWS_SECRET_ACCESS_KEY',
    'DB_PASSWORD',
    'PGPASSWORD',
    'DATABASE_URL',
    'SENTRY_DSN',
    'SESSION_COOKIE',
    'SITE_SESSION',
    'NPM_AUTH',
    'accessToken',
    'STRIPE_KEY_2',
  ])('takes %s for a secret', (name) => expect(looksSecret(name)).toBe(true));
  it.each([
    'HOME',
    'LANG',
    'PATH',
    'EDITOR',
    'KEYBOARD',
    'MONKEY',
    'NODE_ENV',
    'TZ',
    'AUTHOR',
    'PATTERN',
    'CI',
    'PORT',
    'DISABLE_AUTH_CACHE',
    'TOKEN_TTL_MS',
    'SESSION_DIR',
    'SESSION_ID',
    'authCacheEnabled',
  ])('takes %s for an ordinary value', (name) => expect(looksSecret(name)).toBe(false));
});

describe('describeSet', () => {
  it('never says that a package can do nothing', () => {
    expect(describeSet(parsePermissionSet([]))).toEqual(['can talk to your model']);
  });

  it('says each permission and what follows from the combination', () => {
    expect(describeSet(parsePermissionSet(['fs:read', 'net:api.github.com', 'fs:write:./output', 'ui:notify']))).toEqual([
      'can talk to your model',
      'read files in the workspace',
      'change ./output and what is in it',
      'reach api.github.com over https',
      'show notifications',
      'could send what it reads to an account at api.github.com',
    ]);
  });

  it('says nothing of sending where nothing is read or nothing can leave', () => {
    expect(describeSet(parsePermissionSet(['net:a.com'])).join()).not.toContain('could send');
    expect(describeSet(parsePermissionSet(['fs:read', 'net:localhost:80'])).join()).not.toContain('could send');
  });

  it('warns of files that run later', () => {
    expect(describeSet(parsePermissionSet(['fs:write:./package.json'])).join()).toContain('can change files that your tools run');
    expect(describeSet(parsePermissionSet(['fs:write'])).join()).toContain('may run at your next test');
  });

  it('has words for every area', () => {
    const set = parsePermissionSet(PLAIN_AREAS);
    expect(describeSet(set).length).toBeGreaterThan(formatPermissionSet(set).length);
    expect(describeSet(set).join()).not.toContain('undefined');
  });
});
