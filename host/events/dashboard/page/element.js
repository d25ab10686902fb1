/**
 * Makes an element. Text is always text: nothing here takes markup, and the page's policy lets nothing else in either.
 * @param {string} name
 * @param {Record<string, string | number | boolean | ((event: Event) => void) | undefined>} [attributes] `on…` is a listener
 * @param {...(Node | string | number | null | undefined)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== undefined && value !== false) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

/** A table with a caption; a head that begins with `#` is a column of numbers. */
export function table(caption, heads, rows) {
  const isNumber = heads.map((head) => head.startsWith('#'));
  const names = heads.map((head) => head.replace(/^#/, ''));
  return element(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element(
        'thead',
        {},
        element('tr', {}, ...names.map((head, column) => element('th', { scope: 'col', class: isNumber[column] ? 'number' : undefined }, head))),
      ),
      element(
        'tbody',
        {},
        ...rows.map((cells) => element('tr', {}, ...cells.map((cell, column) => element('td', { class: isNumber[column] ? 'number' : undefined }, cell)))),
      ),
    ),
  );
}

export function dollars(amount) {
  return `$${amount.toFixed(amount > 0 && amount < 0.01 ? 4 : 2)}`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

export function tokens(number) {
  if (number < 10_000) return String(number);
  return number < 10_000_000 ? `${Math.round(number / 1_000)}k` : `${Math.round(number / 1_000_000)}M`;
}

export function duration(ms) {
  if (ms === null) return '';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return ms < 86_400_000 ? `${Math.floor(ms / 3_600_000)} h` : `${Math.floor(ms / 86_400_000)} d`;
}

/** A time of today by the clock, any other with its day. */
export function moment(time) {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB');
  const shown = date.toDateString() === new Date().toDateString() ? clock : `${date.toLocaleDateString('en-CA')} ${clock.slice(0, 5)}`;
  return element('time', { datetime: date.toISOString(), class: 'number' }, shown);
}

/** The last part of a path says most. */
export function place(cwd) {
  return cwd.split(/[/\\]/).filter(Boolean).at(-1) ?? cwd;
}
