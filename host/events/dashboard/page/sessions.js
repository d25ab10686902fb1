import { count, dollars, element, moment, place } from './element.js';
import { ask } from './server.js';

/** The list of sessions, narrowed by words; those that are too many to be told at once are looked for by the server. */
export async function drawSessions() {
  const all = await ask('sessions');
  const list = element('ul', { class: 'rows', id: 'sessions' });
  const rest = element('p', { class: 'quiet', role: 'status' });
  const draw = ({ sessions, more }) => {
    list.replaceChildren(...(sessions.length === 0 ? [element('li', { class: 'quiet' }, 'no session like this')] : sessions.map(row)));
    rest.textContent = more === 0 ? '' : `${count(more, 'older session')} not shown: narrow the list`;
  };
  let asked = 0;
  const narrow = async (words) => {
    const turn = (asked += 1);
    const found =
      all.more === 0
        ? { sessions: all.sessions.filter((session) => isLike(session, words)), more: 0 }
        : await ask(`sessions?${new URLSearchParams({ words })}`);
    if (turn === asked) draw(found);
  };
  draw(all);
  return [
    element('h2', {}, 'Sessions'),
    element('input', {
      type: 'search',
      placeholder: 'words of a session',
      'aria-label': 'Narrow the list',
      oninput: ({ target }) => void narrow(target.value),
    }),
    list,
    rest,
  ];
}

function isLike({ name, firstMessage, cwd, id }, words) {
  return `${name ?? ''} ${firstMessage} ${cwd} ${id}`.toLowerCase().includes(words.toLowerCase());
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

/** How much of the session that is looked at is wanted, and whether what both branches have is open. */
let looked = { id: '', shown: 0, isOpen: undefined, at: 0 };
const MORE = 800;

/** Says that the session which is looked at goes on; who reads it decides when it is drawn again. */
export function tellNews(happenings, id) {
  const news = document.querySelector('#news');
  if (news !== null && happenings.some(({ session, time }) => session === id && time > looked.at)) news.hidden = false;
}

function redraw() {
  dispatchEvent(new HashChangeEvent('hashchange'));
}

/** One session: its tree, and two of its branches side by side. */
export async function drawSession(id, left, right) {
  looked = looked.id === id ? { ...looked, at: Date.now() } : { id, shown: 0, isOpen: undefined, at: Date.now() };
  const wanted = { left, right, shown: looked.shown === 0 ? undefined : looked.shown };
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== undefined));
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
    element('p', { id: 'news', role: 'status', hidden: true }, 'it goes on: ', element('button', { type: 'button', onclick: redraw }, 'show what is new')),
    turns.length === 0
      ? element('p', { class: 'empty' }, 'nothing was said in it yet')
      : element(
          'ol',
          { class: 'rows tree', id: 'tree', 'aria-label': 'What was said' },
          ...fold(turns, (turn) => step(turn, { one, other, choose, isAlone: ends.length < 2 })),
        ),
    ...(comparison === null ? [] : compare(comparison, { one, other, turns })),
  ];
}

/** Of many questions that follow each other, the first and the last are shown; whoever wants the others asks for them. */
const LONGEST_RUN = 20;
const [FIRST, LAST] = [3, 8];

function fold(turns, draw) {
  const runs = turns.reduce((made, turn) => {
    const isPlain = turn.leaf === undefined && turn.label === undefined;
    const run = made.at(-1);
    if (run !== undefined && run.isPlain && isPlain && run.turns[0].depth === turn.depth) run.turns.push(turn);
    else made.push({ isPlain, turns: [turn] });
    return made;
  }, []);
  return runs.flatMap(({ turns: run }) => {
    if (run.length <= LONGEST_RUN) return run.map(draw);
    const middle = run.slice(FIRST, -LAST);
    const open = ({ target }) => {
      const made = middle.map(draw);
      target.closest('li').replaceWith(...made);
      made[0].tabIndex = -1;
      made[0].focus();
    };
    const more = element('li', {}, element('button', { type: 'button', onclick: open }, `${count(middle.length, 'question')} between`));
    more.style.setProperty('--depth', String(Math.min(run[0].depth, 12)));
    return [...run.slice(0, FIRST).map(draw), more, ...run.slice(-LAST).map(draw)];
  });
}

function step({ depth, said, time, cost, calls, label, leaf, isCurrent }, { one, other, choose, isAlone }) {
  const end = (side, name, chosen) =>
    element(
      'button',
      {
        type: 'button',
        'aria-pressed': String(leaf === chosen),
        'aria-label': `${name}: ${said}`,
        'data-side': side,
        'data-keep': `${side} ${leaf}`,
        onclick: () => choose(side, leaf),
      },
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
          { open: looked.isOpen ?? isOne, ontoggle: ({ target }) => (looked = { ...looked, isOpen: target.open }) },
          element('summary', {}, isOne ? count(common, 'entry', 'entries') : `${count(common, 'entry', 'entries')} that both have`),
          hidden(sharedHidden, 'both'),
          ...shared.map((each) => entry(each, 'h3')),
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
    hidden(more, name),
    ...(entries.length === 0 ? [element('p', { class: 'empty' }, 'nothing that the other branch has not')] : entries.map((each) => entry(each, 'h4'))),
  );
}

function hidden(more, of) {
  if (more === 0) return null;
  const show = () => {
    looked = { ...looked, shown: Math.max(looked.shown, 200) + MORE };
    redraw();
  };
  return element(
    'p',
    { class: 'quiet' },
    `${count(more, 'older entry', 'older entries')} not shown `,
    element('button', { type: 'button', 'data-keep': `older ${of}`, onclick: show }, `show ${Math.min(MORE, more)} of them`),
  );
}

function entry({ kind, title, text, failed, time, cost }, heading) {
  return element(
    'article',
    { class: 'entry', 'data-kind': kind },
    element(
      heading,
      {},
      element('span', { class: failed ? 'failed' : undefined }, failed ? `${title} · failed` : title),
      element('span', {}, cost > 0 ? `${dollars(cost)} · ` : '', moment(time)),
    ),
    text === '' ? null : element('pre', { tabindex: text.length > 600 ? 0 : undefined }, text),
  );
}
