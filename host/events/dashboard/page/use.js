import { count, dollars, duration, element, table, tokens } from './element.js';
import { ask } from './server.js';

const HOUR = 3_600_000;
const RANGES = [
  ['hour', 'the last hour', HOUR],
  ['day', 'the last day', 24 * HOUR],
  ['week', 'the last week', 7 * 24 * HOUR],
  ['all', 'ever', Number.POSITIVE_INFINITY],
];

/** What was used, in a stretch of time. */
export class Use {
  #range = 'day';
  #body = element('div', { id: 'use' });
  #isDue = false;

  /** While much happens the figures follow once a second. */
  soon() {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      void this.refresh();
    }, 1_000);
  }

  draw() {
    void this.refresh();
    return [element('h2', {}, 'What was used'), this.#choice(), this.#body];
  }

  async refresh() {
    const [, , length] = RANGES.find(([name]) => name === this.#range);
    const since = Number.isFinite(length) ? Date.now() - length : 0;
    try {
      const figures = shown(await ask(`use?since=${since}`));
      this.#keepPlace(() => this.#body.replaceChildren(...figures));
    } catch (error) {
      this.#body.replaceChildren(element('p', { class: 'empty' }, error.message));
    }
  }

  /** New figures stand where the old ones stood: focused, and moved aside as far. */
  #keepPlace(replace) {
    const regions = () => [...this.#body.querySelectorAll('[role=region]')];
    const before = new Map(
      regions().map((region) => [region.getAttribute('aria-label'), { left: region.scrollLeft, focused: region === document.activeElement }]),
    );
    replace();
    for (const region of regions()) {
      const { left, focused } = before.get(region.getAttribute('aria-label')) ?? {};
      if (left !== undefined) region.scrollLeft = left;
      if (focused) region.focus({ preventScroll: true });
    }
  }

  #choice() {
    return element(
      'fieldset',
      {},
      element('legend', {}, 'When'),
      ...RANGES.map(([name, words]) =>
        element(
          'label',
          {},
          element('input', {
            type: 'radio',
            name: 'range',
            checked: this.#range === name,
            onchange: () => {
              this.#range = name;
              void this.refresh();
            },
          }),
          words,
        ),
      ),
    );
  }
}

function shown({ runs, failedRuns, sessions, cost, tokens: used, models, tools, denials }) {
  const figure = (name, value) => element('div', {}, element('dt', {}, name), element('dd', {}, value));
  const most = Math.max(...models.map((model) => model.cost), Number.EPSILON);
  return [
    element(
      'dl',
      { class: 'figures' },
      figure('cost', dollars(cost)),
      figure(failedRuns === 0 ? 'runs' : `runs, ${failedRuns} of them failed`, runs.toLocaleString('en')),
      figure('sessions', sessions.toLocaleString('en')),
      figure(`tokens in, ${tokens(used.cacheRead)} from a cache`, tokens(used.input + used.cacheRead)),
      figure('tokens out', tokens(used.output)),
      figure(
        'denials',
        denials.reduce((sum, each) => sum + each.count, 0),
      ),
    ),
    element(
      'div',
      { class: 'tables' },
      models.length === 0
        ? element('p', { class: 'empty' }, 'no model was asked in this time')
        : table(
            'Models',
            ['model', '#calls', '#failed', '#in', '#out', '#mean', '#cost'],
            models.map((model) => [
              `${model.provider}/${model.model}`,
              model.calls,
              model.failed,
              tokens(model.input),
              tokens(model.output),
              duration(model.meanMs),
              element('span', {}, dollars(model.cost), bar(model.cost / most)),
            ]),
          ),
      tools.length === 0
        ? null
        : table(
            'Tools',
            ['tool', 'of', '#calls', '#errors', '#mean'],
            tools.map((tool) => [element('code', {}, tool.name), tool.package ?? 'Dash', tool.calls, tool.errors, duration(tool.meanMs)]),
          ),
      denials.length === 0
        ? null
        : table(
            'Denials',
            ['of', 'what', 'by', '#times'],
            denials.map((denial) => [denial.package, element('code', {}, denial.capability), denial.rule ?? 'default', count(denial.count, 'time')]),
          ),
    ),
  ];
}

/** Says again, for the eye, what the number beside it says. */
function bar(share) {
  const made = element('span', { class: 'bar', 'aria-hidden': 'true' });
  made.style.width = `${Math.max(2, share * 100)}%`;
  return made;
}
