import { spawn } from 'node:child_process';

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  // not `start`: it is a part of the shell, which would read `&` in an address
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
  linux: ['xdg-open'],
};

/** Opens an address in the user's browser; nothing but a web page. Says whether there is anything to try. */
export function openBrowser(url: string): boolean {
  const opener = OPENERS[process.platform];
  if (opener === undefined || !/^https?:$/.test(new URL(url).protocol)) return false;
  const [program, ...args] = opener;
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined); // the address is printed as well
  child.unref();
  return true;
}
