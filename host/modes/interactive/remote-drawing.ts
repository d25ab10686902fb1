import { isDashError } from '../../../format/index.ts';
import type { Rendered, RenderSubject } from '../../../sandbox/index.ts';
import type { Host } from '../../host.ts';
import { BORDER_COLUMNS, borderLabel, borderLine } from './package-border.ts';
import { safeLine } from './safe-line.ts';
import type { Palette } from './theme.ts';

/** Asks the package that draws something for its lines. */
export interface Drawer {
  readonly package: string;
  /** What the package itself calls it. */
  readonly name: string;
  draw(subject: RenderSubject, width: number): Promise<Rendered | undefined>;
}

/** `owner` is the package whose message or entry it is: nobody else draws that. */
export type FindDrawer = (kind: 'message' | 'entry' | 'tool', name: string, owner?: string) => Drawer | undefined;

/** Finds the package of the running generation that registered a renderer. */
export function findDrawers(host: Host, scene: () => number): FindDrawer {
  return (kind, name, owner) => {
    const { contributions, extensions } = host.generation;
    const tool = kind === 'tool' ? contributions.tools.get(name) : undefined;
    const called = kind === 'tool' ? tool?.registration.name : name;
    const candidates =
      kind === 'tool'
        ? [tool?.sandboxed]
        : extensions.map(({ sandboxed }) => sandboxed).filter((sandboxed) => owner !== undefined && sandboxed?.name === owner);
    const found = candidates.find((sandboxed) => sandboxed?.registrations.renderers?.some((renderer) => renderer.kind === kind && renderer.name === called));
    if (found === undefined || called === undefined) return undefined;
    return {
      package: found.name,
      name: called,
      draw: (subject, width) => found.render(subject, { width, scene: scene(), context: { mode: 'tui', hasUI: true } }),
    };
  };
}

/** What a package drew, in its border, ready to stand in the conversation. */
export interface DrawnLines {
  /** The top of the border, with the package's name, and why it could not draw. */
  readonly label: readonly string[];
  readonly lines: readonly string[] | undefined;
  readonly result: readonly string[] | undefined;
}

export interface RemoteDrawingOptions {
  readonly drawer: Drawer;
  readonly palette: Palette;
  /** Other lines are there than were. */
  readonly changed: () => void;
}

/** The drawing of one message, entry or tool call: asked for when it is first seen, and again when it is another one. */
export class RemoteDrawing {
  readonly #options: RemoteDrawingOptions;
  #drawn: { readonly width: number; readonly version: number; readonly rendered: Rendered | undefined } | undefined;
  #notice: string | undefined;
  #version = 0;
  #isAsking = false;

  constructor(options: RemoteDrawingOptions) {
    this.#options = options;
  }

  /** What was drawn is no longer so; until the new lines come the old ones stand. */
  change(): void {
    this.#version++;
  }

  /** `undefined` as long as there is nothing, and where the package leaves it to us. */
  at(width: number, subject: () => RenderSubject): DrawnLines | undefined {
    const inner = Math.max(1, width - BORDER_COLUMNS);
    if (this.#drawn?.width !== inner || this.#drawn.version !== this.#version) this.#ask(inner, subject());
    const { drawer, palette } = this.#options;
    const border = (lines: readonly string[] | undefined) => lines?.map((line) => borderLine(safeLine(line, inner), palette));
    const { rendered } = this.#drawn ?? {};
    if (this.#notice === undefined && rendered?.lines === undefined && rendered?.result === undefined) return undefined;
    const said = this.#notice === undefined ? [] : (border([palette.fg('warning', this.#notice)]) ?? []);
    return { label: [borderLabel(drawer.package, width, palette), ...said], lines: border(rendered?.lines), result: border(rendered?.result) };
  }

  /** One question at a time: a tool that tells of its progress a hundred times a second is asked as often as it answers. */
  #ask(width: number, subject: RenderSubject): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const version = this.#version;
    const { drawer, changed } = this.#options;
    drawer
      .draw(subject, width)
      .then(
        (rendered) => {
          this.#notice = undefined;
          this.#drawn = { width, version, rendered };
        },
        (error: unknown) => {
          // Not asked again before it is another one: what ended its package once would end it with every frame.
          this.#notice = isDashError(error) ? error.message : `${drawer.package} could not draw this`;
          this.#drawn = { width, version, rendered: undefined };
        },
      )
      .finally(() => {
        this.#isAsking = false;
        changed();
      });
  }
}
