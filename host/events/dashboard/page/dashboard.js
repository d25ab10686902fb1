import { element } from './element.js';
import { Now } from './now.js';
import { isView, listen, unlock } from './server.js';
import { drawSession, drawSessions, tellNews } from './sessions.js';
import { Use } from './use.js';

const main = document.querySelector('#main');
const status = document.querySelector('#status');
const now = new Now();
const use = new Use();
const CONNECTIONS = { live: 'live', lost: 'connection lost, trying again …', closed: 'ended: start `dash dashboard` again' };

/** The parts of the view that the address names. */
function view() {
  const [name = 'now', ...rest] = location.hash.slice(1).split('/').map(decodeURIComponent);
  return { name, rest };
}

async function parts({ name, rest }) {
  if (name === 'use') return use.draw();
  if (name === 'sessions') return drawSessions();
  return name === 'session' ? drawSession(...rest) : now.draw();
}

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

let drawn = 0;

/** A slow answer to an older click does not take the place of a newer one. */
async function draw({ moveFocus }) {
  const turn = (drawn += 1);
  const shown = view();
  for (const link of document.querySelectorAll('nav a')) {
    const isCurrent = link.hash === `#${shown.name}` || (shown.name === 'session' && link.hash === '#sessions') || (shown.name === '' && link.hash === '#now');
    if (isCurrent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const made = await parts(shown).catch((error) => [element('p', { class: 'empty' }, error.message)]);
  if (turn !== drawn) return;
  main.replaceChildren(...made.filter((part) => part !== null));
  if (moveFocus) main.focus();
}

function title() {
  document.title = now.waiting === 0 ? 'Dash' : `(${now.waiting}) Dash`;
}

// the address of a dashboard that was started again, typed where the one before is open
addEventListener('hashchange', () => {
  if (!isView(location.hash.slice(1))) location.reload();
});

try {
  await unlock();
  await draw({ moveFocus: false });
  // choosing a branch redraws the session: whoever pressed the button goes on from there
  let last = view();
  const follow = async () => {
    if (!isView(location.hash.slice(1))) return;
    const next = view();
    const isSame = next.name === 'session' && last.name === 'session' && next.rest[0] === last.rest[0];
    const kept = isSame ? document.activeElement?.dataset?.keep : undefined;
    last = next;
    await draw({ moveFocus: !isSame });
    if (kept !== undefined) document.querySelector(`[data-keep="${CSS.escape(kept)}"]`)?.focus();
  };
  addEventListener('hashchange', () => void follow());
  listen({
    connection: (state) => {
      status.textContent = CONNECTIONS[state];
    },
    agents: (agents) => {
      now.agents(agents);
      title();
    },
    happenings: (happenings) => {
      now.happenings(happenings);
      const { name, rest } = view();
      if (name === 'use') use.soon();
      else if (name === 'session') tellNews(happenings, rest[0]);
    },
  });
  setInterval(() => now.tick(), 1_000);
} catch (error) {
  status.textContent = 'locked';
  main.replaceChildren(element('p', { class: 'empty' }, error.message));
}
