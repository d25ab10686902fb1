import type { SettingValues } from '../format/index.ts';
import type { OpenOptions } from './open-options.ts';
import { formsOf, MIN_SCRUBBED } from './secret-handles.ts';

/** Takes sensitive values of a package's settings out of what leaves it. */
export interface SettingScrubber {
  text(text: string): string;
  /** The same for every text in JSON data. */
  data<T>(value: T): T;
}

/**
 * A package is handed its sensitive values as they are, and a server's error or a careless log may repeat one: it does not
 * get into the audit trail, to the model, into the session or onto the screen. This is hygiene, and no border: a package that
 * wants to give a secret away spells it differently.
 */
export function scrubSettings(read: () => SettingValues): SettingScrubber {
  let known: { readonly values: SettingValues; readonly forms: readonly (readonly [form: string, shown: string])[] } | undefined;
  const forms = () => {
    const values = read();
    if (known?.values !== values) known = { values, forms: formsIn(values) };
    return known.forms;
  };
  const text = (from: string): string => forms().reduce((all, [form, shown]) => (all.includes(form) ? all.replaceAll(form, () => shown) : all), from);
  const data = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(data);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), data(inner)]));
  };
  return { text, data: <T>(value: T): T => (forms().length === 0 ? value : (data(value) as T)) };
}

/** What a package is opened with, where all that it is told of the package is scrubbed first. */
export function scrubbedOptions(options: OpenOptions, scrub: SettingScrubber): OpenOptions {
  const { audit, ports, onDenial, onLog } = options;
  const { questions } = ports;
  return {
    ...options,
    audit: { append: (record) => audit.append(scrub.data(record)) },
    // what is granted stays what was asked for: only the exact call is the package's text
    ...(questions !== undefined && {
      ports: {
        ...ports,
        questions: { ask: (question, signal, isStillOpen) => questions.ask({ ...question, target: scrub.text(question.target) }, signal, isStillOpen) },
      },
    }),
    ...(onDenial !== undefined && { onDenial: (denial) => onDenial(scrub.data(denial)) }),
    ...(onLog !== undefined && { onLog: (level, text) => onLog(level, scrub.text(text)) }),
  };
}

function formsIn({ values, sensitive }: SettingValues): readonly (readonly [string, string])[] {
  const forms = [...sensitive].flatMap((name) =>
    textsIn(values.get(name)).flatMap((value) => [value, ...formsOf(value)].map((form) => [form, `[setting ${name}]`] as const)),
  );
  // One may be the beginning of another: taken out first, it would leave the rest of that one standing.
  return forms.toSorted(([one], [other]) => other.length - one.length);
}

/** Shorter ones would take ordinary words out. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'number') return textsIn(String(value));
  if (typeof value === 'string') return value.length < MIN_SCRUBBED ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
