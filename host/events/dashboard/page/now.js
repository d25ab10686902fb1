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
  #happenings = [];
  #kinds = new Set(Object.keys(KINDS));
  #cards = element('ul', { class: 'cards', id: 'agents' });
  #rows = element('tbody');
  #hasHeard = false;

  agents(agents) {
    this.#agents = agents;
    this.#hasHeard = true;
    this.#drawAgents();
  }

  happenings(happenings) {
    this.#happenings = [...happenings.toReversed(), ...this.#happenings].slice(0, MOST_ROWS);
    this.#drawRows();
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
    this.#drawRows();
    return [
      element('h2', { id: 'agents-title' }, 'Agents'),
      element('section', { 'aria-labelledby': 'agents-title' }, this.#cards),
      element('h2', { id: 'happenings-title' }, 'What happens'),
      element('section', { 'aria-labelledby': 'happenings-title' }, this.#filter(), this.#table()),
    ];
  }

  #drawAgents() {
    const focused = document.activeElement?.closest?.('[data-agent]')?.dataset.agent;
    if (this.#agents.length === 0) {
      const text = this.#hasHeard ? 'No agent runs now. `dash` starts one; it shows here by itself.' : 'asking …';
      this.#cards.replaceChildren(element('li', { class: 'empty' }, text));
      return;
    }
    this.#cards.replaceChildren(...this.#agents.map(card));
    if (focused !== undefined)
      [...this.#cards.children]
        .find((each) => each.dataset.agent === focused)
        ?.querySelector('a')
        ?.focus();
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
              this.#drawRows();
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

  #drawRows() {
    const shown = this.#happenings.filter(({ kind }) => this.#kinds.has(kind));
    this.#rows.replaceChildren(...(shown.length === 0 ? [element('tr', {}, element('td', { colspan: 6, class: 'quiet' }, 'nothing yet'))] : shown.map(row)));
  }
}

function card({ id, state, cwd, doing, since, session, cost, toolCalls, denials, pid }) {
  return element(
    'li',
    { class: 'card', 'data-state': state, 'data-agent': id },
    element('h3', {}, element('a', { href: `#session/${encodeURIComponent(session)}` }, place(cwd))),
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
