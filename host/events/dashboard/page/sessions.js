import { count, dollars, element, moment, place } from './element.js';
import { ask } from './server.js';

/** The list of sessions, narrowed by words. */
export async function drawSessions() {
  const { sessions, more } = await ask('sessions');
  const list = element('ul', { class: 'rows', id: 'sessions' });
  const show = (words) => {
    const wanted = words.toLowerCase();
    const found = sessions.filter(({ name, firstMessage, cwd, id }) => `${name ?? ''} ${firstMessage} ${cwd} ${id}`.toLowerCase().includes(wanted));
    list.replaceChildren(...(found.length === 0 ? [element('li', { class: 'quiet' }, 'no session like this')] : found.map(row)));
  };
  show('');
  return [
    element('h2', {}, 'Sessions'),
    element('input', { type: 'search', placeholder: 'words of a session', 'aria-label': 'Narrow the list', oninput: ({ target }) => show(target.value) }),
    list,
    more === 0 ? null : element('p', { class: 'quiet' }, `${count(more, 'older session')} not shown`),
  ];
}

function row({ id, name, firstMessage, cwd, updatedAt, messages, isFork }) {
  return element(
    'li',
    {},
    element('a', { href: `#session/${encodeURIComponent(id)}` }, name ?? (firstMessage.split('\n', 1)[0] || '(nothing said)')),
    element(
      'div',
      { class: 'sub' },
      element('span', {}, place(cwd)),
      moment(updatedAt),
      element('span', {}, count(messages, 'message')),
      isFork ? element('span', {}, 'a fork') : null,
      element('span', { class: 'mono' }, id.slice(0, 8)),
    ),
  );
}

/** One session: its tree, and two of its branches side by side. */
export async function drawSession(id, left, right) {
  const query = new URLSearchParams(Object.entries({ left, right }).filter(([, value]) => value !== undefined));
  const { session, turns, left: one, right: other, comparison } = await ask(`sessions/${encodeURIComponent(id)}?${query}`);
  const ends = turns.filter(({ leaf }) => leaf !== undefined);
  const choose = (side, leaf) => {
    // the same branch on both sides says nothing: the sides change places
    const chosen = side === 'left' ? [leaf, leaf === other ? one : other] : [leaf === one ? other : one, leaf];
    location.hash = `session/${encodeURIComponent(id)}/${chosen.map(encodeURIComponent).join('/')}`;
  };
  return [
    element('h2', {}, session.name ?? (session.firstMessage.split('\n', 1)[0] || 'A session')),
    element('p', { class: 'quiet' }, `${session.cwd} · ${count(session.messages, 'message')} · ${count(ends.length, 'branch', 'branches')}`),
    turns.length === 0
      ? element('p', { class: 'empty' }, 'nothing was said in it yet')
      : element(
          'ol',
          { class: 'rows tree', id: 'tree', 'aria-label': 'What was said' },
          ...turns.map((turn) => step(turn, { one, other, choose, isAlone: ends.length < 2 })),
        ),
    ...(comparison === null ? [] : compare(comparison, { one, other, turns })),
  ];
}

function step({ depth, said, time, cost, calls, label, leaf, isCurrent }, { one, other, choose, isAlone }) {
  const end = (side, name, chosen) =>
    element(
      'button',
      { type: 'button', 'aria-pressed': String(leaf === chosen), 'aria-label': `${name}: ${said}`, 'data-side': side, onclick: () => choose(side, leaf) },
      name,
    );
  const made = element(
    'li',
    {},
    element(
      'div',
      { class: 'turn' },
      element('span', {}, said === '' ? '(an image)' : said),
      label === undefined ? null : element('span', { class: 'quiet' }, `[${label}]`),
      leaf === undefined || isAlone ? null : element('span', { class: 'ends' }, end('left', 'left', one), end('right', 'right', other)),
    ),
    element(
      'div',
      { class: 'sub' },
      moment(time),
      element('span', { class: 'number' }, dollars(cost)),
      calls === 0 ? null : element('span', {}, count(calls, 'tool call')),
      isCurrent && leaf !== undefined ? element('span', {}, 'the conversation stands here') : null,
    ),
  );
  // deeper than this the line would have no room left
  made.style.setProperty('--depth', String(Math.min(depth, 12)));
  return made;
}

function compare({ shared, sharedHidden, left, right }, { one, other, turns }) {
  const nameOf = (leaf) => turns.find((turn) => turn.leaf === leaf)?.said ?? 'a branch';
  const common = shared.length + sharedHidden;
  const isOne = one === other;
  const both =
    common === 0
      ? null
      : element(
          'details',
          { open: isOne },
          element('summary', {}, isOne ? count(common, 'entry', 'entries') : `${count(common, 'entry', 'entries')} that both have`),
          hidden(sharedHidden),
          ...shared.map(entry),
        );
  if (isOne) return [element('h2', {}, 'What was said'), both];
  return [
    element('h2', {}, 'Two branches'),
    both,
    element('div', { class: 'sides', id: 'sides' }, side('left', nameOf(one), left), side('right', nameOf(other), right)),
  ];
}

function side(name, title, { entries, hidden: more, cost, calls }) {
  return element(
    'section',
    { class: 'side', 'aria-label': `${name}: ${title}`, 'data-side': name },
    element('h3', {}, title),
    element('p', { class: 'quiet' }, `${dollars(cost)} · ${count(calls, 'tool call')} · ${count(entries.length + more, 'entry', 'entries')}`),
    hidden(more),
    ...(entries.length === 0 ? [element('p', { class: 'empty' }, 'nothing that the other branch has not')] : entries.map(entry)),
  );
}

function hidden(more) {
  return more === 0 ? null : element('p', { class: 'quiet' }, `${count(more, 'older entry', 'older entries')} not shown`);
}

function entry({ kind, title, text, failed, time, cost }) {
  return element(
    'article',
    { class: 'entry', 'data-kind': kind },
    element(
      'h4',
      {},
      element('span', { class: failed ? 'failed' : undefined }, failed ? `${title} · failed` : title),
      element('span', {}, cost > 0 ? `${dollars(cost)} · ` : '', moment(time)),
    ),
    text === '' ? null : element('pre', { tabindex: text.length > 600 ? 0 : undefined }, text),
  );
}
