import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What lies around an attack, and can tell afterwards whether it was reached. */
export interface Stage extends AsyncDisposable {
  readonly directory: string;
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What a program is told: where everything is that it must not reach. */
  readonly params: Readonly<Record<string, string | number>>;
  /** What was reached since the last question, in words; `undefined` when nothing. */
  reached(said: string): string | undefined;
}

/** Puts a secret file, a secret variable, a place to write and a server where no grant leads. */
export async function setStage(): Promise<Stage> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'dash-attack-')));
  const [workspace, outside] = [join(directory, 'workspace'), join(directory, 'outside')];
  for (const place of [workspace, outside]) mkdirSync(place);
  const [secret, target, json] = [join(outside, 'secret.txt'), join(outside, 'target.txt'), join(outside, 'secret.json')];
  const [word, variable] = [randomUUID(), randomUUID()];
  writeFileSync(secret, word);
  writeFileSync(json, JSON.stringify({ word }));
  writeFileSync(join(workspace, 'mine.txt'), 'nothing of interest');
  symlinkSync(secret, join(workspace, 'linked.txt'));
  symlinkSync(outside, join(workspace, 'linked'));

  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end('reached');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    directory,
    workspace,
    environment: { DASH_ATTACK_SECRET: variable },
    params: { secret, target, json, linked: 'linked.txt', linkedDirectory: 'linked', port, agent: process.pid, node: process.execPath },
    reached: (said) => {
      const found = [
        said.includes(word) && 'the file was read',
        said.includes(variable) && 'the variable was read',
        requests > 0 && 'the server was called',
        existsSync(target) && 'a file was made outside',
        (!existsSync(secret) || readFileSync(secret, 'utf8') !== word) && 'the file was changed',
      ].filter((one) => one !== false);
      requests = 0;
      rmSync(target, { recursive: true, force: true });
      writeFileSync(secret, word);
      return found.length === 0 ? undefined : found.join(', ');
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
