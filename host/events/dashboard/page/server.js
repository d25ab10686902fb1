/** What is asked of the server, and what it tells by itself. */
const AREA = 'area';

/** Whether what stands behind the `#` names a view; else it is the code of an address that was just typed. */
export function isView(hash) {
  return hash === '' || /^(now|use|sessions|session\/.*)$/.test(hash);
}

/** Exchanges the code of the address for the key, or finds that this browser has it. The address forgets the code. */
export async function unlock() {
  const code = location.hash.slice(1);
  if (!isView(code)) {
    history.replaceState(null, '', '/#now');
    const reply = await fetch('/key', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }) });
    const said = await reply.json();
    if (!reply.ok) throw new Error(said.error);
    localStorage.setItem(AREA, said.area);
  }
  if (localStorage.getItem(AREA) === null) throw new Error('this page opens with the address that `dash dashboard` prints');
}

/** Asks for data. */
export async function ask(path) {
  const reply = await fetch(`/${localStorage.getItem(AREA)}/${path}`);
  const said = await reply.json().catch(() => ({ error: 'the server is gone: start `dash dashboard` again' }));
  if (!reply.ok) throw new Error(said.error);
  return said;
}

/** Listens; the browser connects again by itself and says what it has heard last. */
export function listen(hears) {
  const source = new EventSource(`/${localStorage.getItem(AREA)}/events`);
  source.addEventListener('open', () => hears.connection('live'));
  source.addEventListener('error', () => hears.connection(source.readyState === EventSource.CLOSED ? 'closed' : 'lost'));
  source.addEventListener('agents', ({ data }) => hears.agents(JSON.parse(data)));
  source.addEventListener('happenings', ({ data }) => hears.happenings(JSON.parse(data)));
}
