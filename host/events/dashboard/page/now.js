import { count, dollars, duration, element, moment, place } from './element.js';

const WORDS = {
  waiting: 'waiting for you',
  stalled: 'stalled',
  working: 'working',
  idle: 'idle',
};
const KINDS = { model: 'Models', tool: 'Tools', denial: 'Denials' };
const MOST_ROWS = 300;

/** What runs at this moment, and what has just happened. Keeps what it was told, whichever view is shown. */
export class Now {
  #agents = [];
  #kinds = new Set(Object.keys(KINDS));
  #cards = element('ul', { class: 'cards', id: 'agents' });
  #nothing = element('tr', {}, element('td', { colspan: 6, class: 'quiet' }, 'nothing yet'));
  #rows = element('tbody', {}, this.#nothing);
  #hasHeard = false;
  /** What was drawn of each agent, and of what: what is the same stays as it is, for whoever has it in hand. */
  #drawn = new Map();

  agents(agents) {
    this.#agents = agents;
    this.#hasHeard = true;
    this.#drawAgents();
  }

  /** New rows come on top; those that are there stay, with the focus and what is selected in them. */
  happenings(happenings) {
    const made = happenings.toReversed().slice(0, MOST_ROWS).map(row);
    this.#rows.prepend(...made);
    for (const old of [...this.#rows.querySelectorAll('[data-kind]')].slice(MOST_ROWS)) old.remove();
    this.#filterRows();
  }

  get waiting() {
    return this.#agents.filter(({ state }) => state === 'waiting').length;
  }

  /** Time goes on although nothing happens. */
  tick() {
    for (const since of this.#cards.querySelectorAll('[data-since]')) since.textContent = duration(Date.now() - Number(since.dataset.since));
  }

  draw() {
    this.#drawAgents();
    return [
      element('h2', { id: 'agents-title' }, 'Agents'),
      element('section', { 'aria-labelledby': 'agents-title' }, this.#cards),
      element('h2', { id: 'happenings-title' }, 'What happens'),
      element('section', { 'aria-labelledby': 'happenings-title' }, this.#filter(), this.#table()),
    ];
  }

  #drawAgents() {
    const focused = document.activeElement?.closest?.('[data-agent]')?.dataset.agent;
    const drawn = new Map(this.#agents.map((agent) => [agent.id, this.#cardOf(agent)]));
    this.#drawn = drawn;
    const text = this.#hasHeard ? 'No agent runs now. `dash` starts one; it shows here by itself.' : 'asking …';
    const wanted = drawn.size === 0 ? [element('li', { class: 'empty' }, text)] : [...drawn.values()].map(({ made }) => made);
    for (const old of [...this.#cards.children].filter((each) => !wanted.includes(each))) old.remove();
    for (const [place, each] of wanted.entries()) if (this.#cards.children[place] !== each) this.#cards.insertBefore(each, this.#cards.children[place] ?? null);
    if (focused !== undefined) drawn.get(focused)?.made.querySelector('a')?.focus();
  }

  #cardOf(agent) {
    const said = JSON.stringify(agent);
    const before = this.#drawn.get(agent.id);
    return before?.said === said ? before : { said, made: card(agent) };
  }

  #filter() {
    return element(
      'fieldset',
      {},
      element('legend', {}, 'Show'),
      ...Object.entries(KINDS).map(([kind, name]) =>
        element(
          'label',
          {},
          element('input', {
            type: 'checkbox',
            checked: this.#kinds.has(kind),
            onchange: ({ target }) => {
              if (target.checked) this.#kinds.add(kind);
              else this.#kinds.delete(kind);
              this.#filterRows();
            },
          }),
          name,
        ),
      ),
    );
  }

  #table() {
    const heads = ['Time', 'What', 'Of', 'Session'].map((head) => element('th', { scope: 'col' }, head));
    const numbers = ['Took', 'Cost'].map((head) => element('th', { scope: 'col', class: 'number' }, head));
    return element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'List of what happened' },
      element('table', { id: 'happenings' }, element('thead', {}, element('tr', {}, ...heads, ...numbers)), this.#rows),
    );
  }

  #filterRows() {
    let shown = 0;
    for (const each of this.#rows.querySelectorAll('[data-kind]')) {
      each.hidden = !this.#kinds.has(each.dataset.kind);
      if (!each.hidden) shown += 1;
    }
    this.#nothing.hidden = shown > 0;
  }
}

function card({ id, state, cwd, task, doing, since, session, cost, toolCalls, denials, pid }) {
  // what nobody has said anything in is no session yet
  return element(
    'li',
    { class: 'card', 'data-state': state, 'data-agent': id },
    element('h3', {}, task === null ? place(cwd) : element('a', { href: `#session/${encodeURIComponent(session)}` }, task)),
    element('p', { class: 'quiet mono' }, cwd),
    element(
      'p',
      {},
      element('span', { class: 'state', 'data-state': state }, WORDS[state] ?? state),
      doing === null || state === 'idle' ? '' : ` · ${doing}`,
      ' · ',
      element('span', { class: 'number', 'data-since': since }, duration(Date.now() - since)),
    ),
    element(
      'p',
      { class: 'facts quiet' },
      element('span', { class: 'number' }, dollars(cost)),
      element('span', {}, count(toolCalls, 'tool call')),
      element('span', { class: denials > 0 ? 'failed' : undefined }, count(denials, 'denial')),
      element('span', {}, `process ${pid}`),
    ),
  );
}

function row({ kind, time, what, session, package: owner, durationMs, cost, failed, rule }) {
  const outcome = kind === 'denial' ? `denied: ${rule ?? 'by default'}` : failed ? 'failed' : '';
  return element(
    'tr',
    { 'data-kind': kind },
    element('td', {}, moment(time)),
    element('td', {}, kind === 'tool' ? element('code', {}, what) : what, outcome === '' ? '' : element('span', { class: 'failed' }, ` · ${outcome}`)),
    element('td', { class: 'quiet' }, kind === 'model' ? 'model' : (owner ?? 'Dash')),
    element('td', {}, session === null ? '' : element('a', { href: `#session/${encodeURIComponent(session)}`, class: 'mono' }, session.slice(0, 8))),
    element('td', { class: 'number' }, duration(durationMs)),
    element('td', { class: 'number' }, cost === null ? '' : dollars(cost)),
  );
}
