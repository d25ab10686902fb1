/**
 * A sandbox process that has been taken over: it runs no isolate and says on the pipe whatever it is told to. The bus
 * channel `say` hands it lines, which it writes as they are; `dump` has it say back everything that it was told, as
 * events of its own, so that a test can look for what should not have come this far.
 */
import { Socket } from 'node:net';

const input = new Socket({ fd: 3, readable: true, writable: false });
const output = new Socket({ fd: 4, readable: false, writable: true });
for (const stream of [input, output]) stream.on('error', leave);
input.on('end', leave);

const say = (line) => output.write(`${line}\n`);
const heard = [];
let pending = '';

input.setEncoding('utf8');
input.on('data', (chunk) => {
  const lines = (pending + chunk).split('\n');
  pending = lines.pop();
  for (const line of lines) obey(line);
});

function obey(line) {
  const message = JSON.parse(line);
  if (message.kind === 'open') return say('c{"kind":"opened","caches":[],"rejected":[]}');
  if (message.kind === 'rest') return say('c{"kind":"resting","timers":0}');
  if (message.kind === 'reply') return void heard.push(message.text);
  if (message.kind !== 'tell') return;
  const told = JSON.parse(message.text);
  if (told.kind === 'activate') return say('g{"kind":"activated","registrations":[],"failures":[]}');
  if (told.kind !== 'bus') return void heard.push(message.text);
  if (told.channel === 'say') for (const text of told.data) say(text);
  if (told.channel === 'dump') {
    const request = { kind: 'request', id: Number.MAX_SAFE_INTEGER, capability: 'agent.emit', params: { channel: 'heard', data: heard.splice(0) } };
    say(`g${JSON.stringify(request)}`);
  }
}

function leave() {
  process.kill(process.pid, 'SIGKILL');
}
