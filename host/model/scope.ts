import { type ModelInfo, THINKING_LEVELS, type ThinkingLevel } from './port.ts';

/** A model among those that are cycled through, with the level it is to think at. */
export interface ScopedModel {
  readonly model: ModelInfo;
  readonly thinkingLevel?: ThinkingLevel | 'off';
}

export interface ModelScope {
  readonly models: readonly ScopedModel[];
  /** Patterns that match nothing there is. */
  readonly unmatched: readonly string[];
}

/**
 * Finds the models that patterns name, in their order: `provider/id`, an id, a part of one or of a name, or with `*` all
 * that fit; `:high` behind it is the level to think at. Case does not matter.
 */
export function scopeModels(patterns: readonly string[], models: readonly ModelInfo[]): ModelScope {
  const found = new Map<string, ScopedModel>();
  const unmatched: string[] = [];
  for (const pattern of patterns.map((one) => one.trim()).filter((one) => one !== '')) {
    const { named, thinkingLevel } = readPattern(pattern, models);
    if (named.length === 0) unmatched.push(pattern);
    for (const model of named) {
      const key = nameOf(model);
      if (!found.has(key)) found.set(key, { model, ...(thinkingLevel === undefined ? {} : { thinkingLevel }) });
    }
  }
  return { models: [...found.values()], unmatched };
}

/** The next one after `current`, or the one before it; `undefined` where there is no other. */
export function cycle(models: readonly ScopedModel[], current: ModelInfo | undefined, by: 1 | -1): ScopedModel | undefined {
  const at = models.findIndex(({ model }) => current !== undefined && nameOf(model) === nameOf(current));
  if (models.length === 0 || (models.length === 1 && at === 0)) return undefined;
  return at === -1 ? models[0] : models[(at + by + models.length) % models.length];
}

function readPattern(pattern: string, models: readonly ModelInfo[]): { readonly named: readonly ModelInfo[]; readonly thinkingLevel?: ThinkingLevel | 'off' } {
  // ids may have colons, too
  const whole = namedBy(pattern, models);
  const colon = pattern.lastIndexOf(':');
  const level = ([...THINKING_LEVELS, 'off'] as const).find((known) => known === pattern.slice(colon + 1));
  if (whole.length > 0 || colon === -1 || level === undefined) return { named: whole };
  return { named: namedBy(pattern.slice(0, colon), models), thinkingLevel: level };
}

function namedBy(pattern: string, models: readonly ModelInfo[]): readonly ModelInfo[] {
  const wanted = pattern.toLowerCase();
  if (wanted.includes('*')) {
    const fits = new RegExp(`^${wanted.split('*').map(RegExp.escape).join('.*')}$`);
    // what begins with a provider means that provider, and not another's ids that look like it
    const isWhole = models.some(({ provider }) => wanted.startsWith(`${provider.toLowerCase()}/`));
    return models.filter((model) => fits.test(nameOf(model)) || (!isWhole && fits.test(model.id.toLowerCase())));
  }
  const exact = models.find((model) => nameOf(model) === wanted) ?? models.find(({ id }) => id.toLowerCase() === wanted);
  if (exact !== undefined) return [exact];
  const partly = models.filter(({ id, name }) => id.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted));
  // the newest, and of those the one that stays the newest: dated ones are old
  const [best] = partly.toSorted((a, b) => Number(isDated(a)) - Number(isDated(b)) || (b.id > a.id ? 1 : -1));
  return best === undefined ? [] : [best];
}

function isDated({ id }: ModelInfo): boolean {
  return /-\d{8}$/.test(id);
}

function nameOf({ provider, id }: ModelInfo): string {
  return `${provider}/${id}`.toLowerCase();
}
