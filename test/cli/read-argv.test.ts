import { describe, expect, test } from 'vitest';

import { readArgv } from '../../cli/read-argv.ts';

const FILES = ['./script.sh', '/tmp/job', 'script.sh', 'notes.md'];
const isFile = (path: string) => FILES.includes(path);

function summary(line: string): unknown {
  const request = readArgv(line.split(' ').filter(Boolean), isFile);
  if (request.kind === 'command') return [request.entry.name, ...request.rest];
  if (request.kind === 'help') return ['help', request.entry?.name];
  if (request.kind === 'unknown') return ['unknown', request.word];
  return request.kind === 'shell' ? ['shell', request.word] : request.kind;
}

describe('readArgv', () => {
  test.for([
    ['--version', 'version'],
    ['-V', 'version'],
    ['list', ['list']],
    ['ls --json', ['list', '--json']],
    ['--json -C some/dir list', ['list', '--json', '-C', 'some/dir']],
    ['--registry=http://x install a b', ['install', '--registry=http://x', 'a', 'b']],
    ['add npm:x --grant net:example.com', ['install', 'npm:x', '--grant', 'net:example.com']],
    ['permissions', ['permissions list']],
    ['permissions weather', ['permissions list', 'weather']],
    ['permissions grant weather net:a', ['permissions grant', 'weather', 'net:a']],
    ['audit log --json', ['audit log', '--json']],
    ['registry serve --port 0', ['registry serve', '--port', '0']],
    ['', ['']],
    ['-p hello', ['', '-p', 'hello']],
    ['--model scripted:x --mode rpc', ['', '--model', 'scripted:x', '--mode', 'rpc']],
    ['@notes.md explain', ['', '@notes.md', 'explain']],
    ['--help', ['help', undefined]],
    ['help', ['help', undefined]],
    ['help install', ['help', 'install']],
    ['help audit log', ['help', 'audit log']],
    ['call x -h', ['help', 'call']],
    ['-c ls', ['shell', '-c']],
    ['./script.sh a', ['shell', './script.sh']],
    ['script.sh', ['shell', 'script.sh']],
    ['/tmp/job', ['shell', '/tmp/job']],
    ['notes.md', ['unknown', 'notes.md']],
    ['instal x', ['unknown', 'instal']],
    ['registry srve', ['unknown', 'registry srve']],
    ['registry', ['unknown', 'registry']],
    ['audit ./dir', ['audit', './dir']],
  ] as const)('`dash %s`', ([line, expected]) => {
    expect(summary(line)).toEqual(expected);
  });
});
