import type { Rendered, RenderSubject } from '../../surface.ts';
import { describe } from '../channel.ts';
import type { GuestLink } from '../link.ts';
import type { Stage } from './stage.ts';
import { checkedLines, type GuestComponent } from './surface.ts';

export type MessageRenderer = (message: unknown, options: { expanded: boolean; outputPad: number }, theme: object) => GuestComponent | undefined;
export type EntryRenderer = (entry: unknown, options: { expanded: boolean }, theme: object) => GuestComponent | undefined;

export type MarkdownTransformer = (markdown: string, context: { messageType: string; isStreaming: boolean; availableWidth: number }) => unknown;

/** The half of pi's ToolDefinition that draws. */
export interface ToolRenderers {
  renderShell?: 'default' | 'self';
  renderCall?(args: unknown, theme: object, context: object): GuestComponent;
  renderResult?(result: unknown, options: { expanded: boolean; isPartial: boolean }, theme: object, context: object): GuestComponent;
}

/** What one tool call keeps between two drawings, as pi's component does. */
interface ToolDrawing {
  readonly state: object;
  call?: GuestComponent;
  result?: GuestComponent;
}

/** Of so many tool calls the components are kept; a conversation shows fewer that still change. */
const MAX_DRAWINGS = 200;

export interface RenderersOptions {
  readonly link: GuestLink;
  readonly stage: Stage;
  readonly message: (customType: string) => MessageRenderer | undefined;
  readonly entry: (customType: string) => EntryRenderer | undefined;
  readonly tool: (name: string) => ToolRenderers | undefined;
  /** Those of all entry points, in their order. */
  readonly markdown: () => readonly MarkdownTransformer[];
}

/** Draws messages, entries and tool calls: components of one moment, asked for at a width. */
export class Renderers {
  readonly #options: RenderersOptions;
  readonly #drawings = new Map<string, ToolDrawing>();

  constructor(options: RenderersOptions) {
    this.#options = options;
  }

  /** `undefined` where the package leaves it to the front end. @throws what the renderer throws */
  render(subject: RenderSubject, width: number, scene: number): Rendered | undefined {
    const { stage, message, entry } = this.#options;
    if (!stage.refresh(scene)) return undefined;
    // Components of pi's look for the user's keys by themselves.
    void stage.keybindings;
    switch (subject.kind) {
      case 'message': {
        const { customType, expanded, outputPad } = subject;
        return drawn(message(customType)?.(subject.message, { expanded, outputPad }, stage.theme), width);
      }
      case 'entry': {
        const { customType, expanded } = subject;
        return drawn(entry(customType)?.(subject.entry, { expanded }, stage.theme), width);
      }
      case 'tool':
        return this.#tool(subject, width);
      case 'markdown': {
        const { messageType, isStreaming } = subject;
        // What is not text changes nothing, as in pi.
        const transform = (text: string, transformer: MarkdownTransformer): string => {
          const changed = transformer(text, { messageType, isStreaming, availableWidth: width });
          return typeof changed === 'string' ? changed : text;
        };
        return { markdown: this.#options.markdown().reduce(transform, subject.markdown) };
      }
    }
  }

  #tool(subject: RenderSubject & { kind: 'tool' }, width: number): Rendered | undefined {
    const { stage, tool, link } = this.#options;
    const renderers = tool(subject.name);
    if (renderers === undefined) return undefined;
    const { toolCallId, args, result, expanded, isPartial, isError, executionStarted, argsComplete, showImages } = subject;
    const drawing = this.#drawing(toolCallId);
    const context = (lastComponent: GuestComponent | undefined): object => ({
      args,
      toolCallId,
      invalidate: () => void link.request('ui.stale', { toolCallId }).catch(() => undefined),
      lastComponent,
      state: drawing.state,
      cwd: link.facts.cwd,
      executionStarted,
      argsComplete,
      isPartial,
      expanded,
      showImages,
      isError,
    });
    // As in pi: a renderer that throws leaves its half to the front end.
    const attempt = (draw: () => GuestComponent | undefined): GuestComponent | undefined => {
      try {
        return draw();
      } catch (error) {
        link.log('error', `drawing \`${subject.name}\`: ${describe(error)}`);
        return undefined;
      }
    };
    const call = attempt(() => renderers.renderCall?.(args, stage.theme, context(drawing.call)));
    const after = result && attempt(() => renderers.renderResult?.(result, { expanded, isPartial }, stage.theme, context(drawing.result)));
    if (call !== undefined) drawing.call = call;
    if (after !== undefined) drawing.result = after;
    return {
      ...(call && { lines: checkedLines(call.render(width)) }),
      ...(after && { result: checkedLines(after.render(width)) }),
    };
  }

  #drawing(toolCallId: string): ToolDrawing {
    const drawing = this.#drawings.get(toolCallId) ?? { state: {} };
    this.#drawings.delete(toolCallId);
    this.#drawings.set(toolCallId, drawing);
    const [oldest] = this.#drawings.keys();
    if (this.#drawings.size > MAX_DRAWINGS && oldest !== undefined) this.#drawings.delete(oldest);
    return drawing;
  }
}

function drawn(component: GuestComponent | undefined, width: number): Rendered | undefined {
  return component === undefined || component === null ? undefined : { lines: checkedLines(component.render(width)) };
}
