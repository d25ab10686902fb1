import { spawn } from 'node:child_process';
import { Server, type Socket } from 'node:net';

/** Where a confined program finds its one way out. In a network namespace of its own no port is anybody else's. */
export const DOOR_PORT = 3128;

/** Only listens, hands the socket over, and is gone: who accepts is the agent, outside of the namespace. */
const LISTEN = `const server = require('node:net').createServer();
server.listen(${DOOR_PORT}, '127.0.0.1', () => process.send('door', server, () => process.exit()));`;

const OPENING_TIMEOUT_MS = 10_000;

/**
 * Makes a listening socket in the network namespace of `pid` and brings it out. A socket stays in the namespace it was
 * made in: what connects to it comes from there, and what accepts may be elsewhere.
 *
 * @param nsenter path of util-linux' program
 */
export function openDoor(nsenter: string, pid: number, onConnection: (socket: Socket) => void): Promise<Server> {
  // Its namespaces are the user's own: for who is not root the right to enter them comes with the user namespace.
  const namespaces = [...(process.getuid?.() === 0 ? [] : [`--user=/proc/${pid}/ns/user`, '--preserve-credentials']), `--net=/proc/${pid}/ns/net`];
  const helper = spawn(nsenter, [...namespaces, '--', process.execPath, '--disable-sigusr1', '-e', LISTEN], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {},
    timeout: OPENING_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  helper.on('error', reject);
  let door: Server | undefined;
  helper.on('message', (_message, handle) => {
    if (handle instanceof Server) door = handle.on('connection', onConnection);
  });
  // Not before the helper is gone: it listens, too, and would take connections that nobody answers.
  helper.on('exit', (code, signal) => {
    if (door !== undefined) resolve(door);
    else reject(new Error(`the network namespace could not be entered (${signal ?? code})`));
  });
  return promise;
}
