import { truncateToWidth, visibleWidth, wrapTextWithAnsi } from '@earendil-works/pi-tui';
import { Block } from './blocks/block.ts';
import type { Palette } from './theme.ts';

/** A status of a package. */
export interface Status {
  readonly key: string;
  readonly text: string;
  readonly by: string | undefined;
}

/** What the footer says, from the most important on. */
export interface FooterFacts {
  readonly place: string;
  readonly branch: string | undefined;
  readonly session: string | undefined;
  readonly model: string | undefined;
  readonly thinking: string;
  /** Dollars. */
  readonly cost: number;
  /** Of the context window; `undefined` without a model. */
  readonly contextPercent: number | undefined;
  readonly contextWindow: number | undefined;
  readonly profile: string | undefined;
  readonly denials: number;
  readonly statuses: ReadonlyMap<string, Status>;
  /** What runs on its last good build, one line each. */
  readonly troubles: readonly string[];
}

/** The lines at the bottom. On a narrow terminal there are more of them; nothing is left out. */
export class Footer extends Block {
  readonly #facts: () => FooterFacts;
  readonly #palette: Palette;

  constructor(facts: () => FooterFacts, palette: Palette) {
    super();
    this.#facts = facts;
    this.#palette = palette;
  }

  protected override draw(width: number): string[] {
    const { fg } = this.#palette;
    const facts = this.#facts();
    const place = `${facts.place}${facts.branch === undefined ? '' : ` (${facts.branch})`}${facts.session === undefined ? '' : ` · ${facts.session}`}`;
    const lines = [
      ...flowed([place, ...detailsOf(facts)], width - 2),
      ...(facts.statuses.size === 0
        ? []
        : flowed(
            [...facts.statuses.values()].map(({ text, by }) => (by === undefined ? text : `${by}: ${text}`)),
            width - 2,
          )),
    ].map((line) => fg('muted', line));
    const troubles = facts.troubles.flatMap((trouble) => wrapTextWithAnsi(trouble, Math.max(1, width - 2))).map((line) => fg('warning', line));
    return [...lines, ...troubles].map((line) => ` ${line}`);
  }
}

function detailsOf({ model, thinking, cost, contextPercent, contextWindow, profile, denials }: FooterFacts): string[] {
  return [
    model ?? 'no model',
    ...(thinking === 'off' ? [] : [`thinking ${thinking}`]),
    ...(cost > 0 ? [`$${cost < 1 ? cost.toFixed(3) : cost.toFixed(2)}`] : []),
    ...(contextPercent === undefined || contextWindow === undefined
      ? []
      : [`${contextPercent.toFixed(contextPercent < 10 ? 1 : 0)}% of ${shortTokens(contextWindow)}`]),
    ...(profile === undefined ? [] : [profile]),
    ...(denials === 0 ? [] : [`${denials} denied`]),
  ];
}

function shortTokens(tokens: number): string {
  return tokens >= 1_000_000 ? `${Math.round(tokens / 100_000) / 10}M` : `${Math.round(tokens / 1000)}k`;
}

/** Items in lines, as many as fit into each. */
function flowed(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const item of items) {
    const longer = line === '' ? item : `${line} · ${item}`;
    if (line !== '' && visibleWidth(longer) > width) {
      lines.push(line);
      line = item;
    } else line = longer;
  }
  return [...lines, line].map((one) => truncateToWidth(one, Math.max(1, width), '…'));
}
