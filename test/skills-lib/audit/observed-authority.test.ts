import { describe, expect, it } from 'vitest';
import { observeAuthority } from '../../../skills-lib/index.ts';

const observe = (files: Readonly<Record<string, string>>, declared: readonly string[] = []) =>
  observeAuthority(
    Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
    declared,
  );

describe('what scripts and texts reach for', () => {
  it('is read from code, with the place, and compared with what is declared', () => {
    const text = [
      'See https://docs.example.org, and run `curl`.',
      '```bash',
      '$ sudo apt-get install jq',
      'cat list | grep -v x && curl -H "auth: $API_TOKEN" https://api.example.com/v1',
      'NAME=x; echo $NAME $HOME',
      '```',
      '```json',
      '{ "word": "https://data.example.com/x" }',
      '```',
    ].join('\n');
    expect(observe({ 'SKILL.md': text }, ['net:api.example.com'])).toEqual([
      { permission: 'env:API_TOKEN', path: 'SKILL.md', line: 4, declared: false },
      { permission: 'exec:apt-get', path: 'SKILL.md', line: 3, declared: false },
      { permission: 'exec:cat', path: 'SKILL.md', line: 4, declared: false },
      { permission: 'exec:curl', path: 'SKILL.md', line: 4, declared: false },
      { permission: 'exec:grep', path: 'SKILL.md', line: 4, declared: false },
      { permission: 'net:api.example.com', path: 'SKILL.md', line: 4, declared: true },
      { permission: 'net:data.example.com', path: 'SKILL.md', line: 8, declared: false },
    ]);
  });

  it('is read from scripts of several languages, and from nothing else', () => {
    const found = observe({
      'a.py': 'import os\nkey = os.environ["PY_KEY"]\nother = os.getenv("PY_OTHER")\n',
      'b.mjs': 'fetch("https://js.example.com"); process.env.JS_KEY; git\n',
      'c.sh': 'git status\n',
      LICENSE: 'https://license.example.com $LICENSE_KEY\n',
      'prose.md': 'git is at https://prose.example.com\n',
    });
    expect(found.map(({ permission, path }) => `${permission} ${path}`)).toEqual([
      'env:JS_KEY b.mjs',
      'env:PY_KEY a.py',
      'env:PY_OTHER a.py',
      'exec:git c.sh',
      'net:js.example.com b.mjs',
    ]);
  });

  it('is read to the end of a file of blank lines', () => {
    const file = { path: 'run.sh', bytes: Buffer.from(`${'\n'.repeat(400_000)}curl https://example.com\n`) };
    expect(observeAuthority([file], []).map(({ permission }) => permission)).toEqual(['exec:curl', 'net:example.com']);
  });
});
